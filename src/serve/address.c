/* Three forms and no fourth: what is not read to its end is refused. */
#include "serve/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int refuse(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, "%.60s is no address; write ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH (names are not looked up)", text);
}

/* Decimal digits and nothing else. */
static bool read_port(const char *text, in_port_t *out)
{
	unsigned port = 0;
	size_t n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && n < 6; n++)
		port = port * 10 + (unsigned)(text[n] - '0');
	*out = htons((uint16_t)port);
	return n && !text[n] && port <= 65535;
}

static int read_unix(const char *path, struct address *out, struct err *e)
{
	if (!*path || strlen(path) >= sizeof(out->at.local.sun_path))
		return err_set(e, ERR_USAGE, "unix:PATH takes a path of 1 to %zu bytes", sizeof(out->at.local.sun_path) - 1);
	out->at.local.sun_family = AF_UNIX;
	memcpy(out->at.local.sun_path, path, strlen(path) + 1);
	out->len = sizeof(out->at.local);
	return 0;
}

int address_read(const char *text, struct address *out, struct err *e)
{
	const bool is_v6 = *text == '[';
	const char *const end = is_v6 ? strchr(text, ']') : strrchr(text, ':');
	const size_t len = end ? (size_t)(end - text) - is_v6 : 0;
	char host[INET6_ADDRSTRLEN] = "";
	in_port_t port;

	*out = (struct address){ .len = 0 };
	if (strncmp(text, "unix:", 5) == 0)
		return read_unix(text + 5, out, e);
	if (!end || len >= sizeof(host) || end[is_v6] != ':' || !read_port(end + is_v6 + 1, &port))
		return refuse(text, e);
	memcpy(host, text + is_v6, len);
	if (is_v6 && inet_pton(AF_INET6, host, &out->at.v6.sin6_addr) == 1) {
		out->at.v6.sin6_family = AF_INET6;
		out->at.v6.sin6_port = port;
		out->len = sizeof(out->at.v6);
		return 0;
	}
	if (is_v6 || inet_pton(AF_INET, host, &out->at.v4.sin_addr) != 1)
		return refuse(text, e);
	out->at.v4.sin_family = AF_INET;
	out->at.v4.sin_port = port;
	out->len = sizeof(out->at.v4);
	return 0;
}

void address_write(const struct address *address, char *out, size_t room)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->at.any.sa_family == AF_UNIX) {
		snprintf(out, room, "unix:%s", address->at.local.sun_path);
	} else if (address->at.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->at.v6.sin6_addr, host, sizeof(host));
		snprintf(out, room, "[%s]:%u", host, ntohs(address->at.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address->at.v4.sin_addr, host, sizeof(host));
		snprintf(out, room, "%s:%u", host, ntohs(address->at.v4.sin_port));
	}
}

bool address_is_local(const struct address *address)
{
	if (address->at.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address->at.v6.sin6_addr);
	return address->at.any.sa_family == AF_UNIX || ntohl(address->at.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
