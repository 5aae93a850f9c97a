/* The network: listeners the harness set out on the host, socket families that are kernel attack
 * surface, and the interfaces themselves. No packet leaves the machine. */
#include "probe/attempts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct outcome try_socket(GIVEN)
{
	/* .n is family, type and protocol as the policy's rule sees them; the family may have a
	 * high bit set, which the kernel drops and a filter must drop too */
	return outcome_of(
		syscall(SYS_socket, row->call.args[0], row->call.args[1], row->call.args[2]));
}

static struct outcome connect_to(int type, const void *address, socklen_t len)
{
	const int fd =
		socket(((const struct sockaddr *)address)->sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return outcome_refused(errno);
	const struct outcome outcome = outcome_of(connect(fd, address, len));

	close(fd);
	return outcome;
}

struct outcome try_tcp(GIVEN)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)scene->tcp),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return scene->tcp ? connect_to(SOCK_STREAM, &to, sizeof(to)) : outcome_skipped("no marker");
}

struct outcome try_tcp6(GIVEN)
{
	/* The listener is an IPv4 one: ::ffff:127.0.0.1 is another name for it. */
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)scene->tcp) };

	if (!scene->tcp)
		return outcome_skipped("no marker");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	return connect_to(SOCK_STREAM, &to, sizeof(to));
}

struct outcome try_udp(GIVEN)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)scene->udp),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char byte;

	if (!scene->udp)
		return outcome_skipped("no marker");
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, "x", 1, 0) < 0)
		return outcome_refused(errno);
	/* A port without a listener answers at once on loopback: ECONNREFUSED. Silence means
	 * delivered. */
	return outcome_past(recv(fd, &byte, 1, 0), EAGAIN, 0);
}

struct outcome try_route(GIVEN)
{
	/* Connecting a UDP socket only looks for a route; nothing is sent. TEST-NET-1, RFC 5737. */
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	return connect_to(SOCK_DGRAM, &to, sizeof(to));
}

static struct outcome connect_unix(const char *name, bool is_abstract)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (!name || strlen(name) + 2 > sizeof(to.sun_path))
		return outcome_skipped("no marker");
	strcpy(to.sun_path + is_abstract, name);
	return connect_to(
		SOCK_STREAM, &to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + strlen(name)));
}

struct outcome try_abstract(GIVEN)
{
	return connect_unix(scene->abstract, true);
}

struct outcome try_unix_path(GIVEN)
{
	return connect_unix(scene->socket, false);
}

struct outcome try_low_port(GIVEN)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct outcome outcome = outcome_refused(errno);

	for (uint16_t port = 1011; fd >= 0 && port < 1015;
	     port++) { /* unassigned, RFC 6335 registry */
		at.sin_port = htons(port);
		outcome = outcome_of(bind(fd, (const struct sockaddr *)&at, sizeof(at)));
		if (outcome.sys != EADDRINUSE)
			break;
	}
	return outcome;
}

struct outcome try_interfaces(GIVEN)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return outcome_refused(errno);
	for (int i = 1; i < 256; i++) {
		struct ifreq request = { .ifr_ifindex = i };

		if (ioctl(fd, SIOCGIFNAME, &request) == 0 && strcmp(request.ifr_name, "lo"))
			return outcome_allowed("interface %.15s", request.ifr_name);
	}
	return outcome_refused(0);
}

struct outcome try_interface_set(GIVEN)
{
	struct ifreq request = { .ifr_name = "lo" };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return outcome_refused(errno);
	return outcome_of(ioctl(fd, SIOCSIFFLAGS, &request)); /* the flags it has */
}

struct outcome try_mark(GIVEN)
{
	const int mark = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? outcome_refused(errno) :
			outcome_of(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
}
