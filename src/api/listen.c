/* Opens what is listened on, and reads the certificate. */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/digits.h"
#include "base/fd.h"
#include "serve/address.h"

#define BACKLOG 1024
#define PEM_MAX ((size_t)64 << 10)

/* A socket that nobody listens on any more is in the way, and removed; anything else there is not ours. */
static int clear_path(const struct address *address, struct err *e)
{
	const char *const path = address->at.local.sun_path;
	OWN_FD int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFLICT, "%s is there and no socket", path);
	if (probe >= 0 && connect(probe, &address->at.any, address->len) < 0 && errno == ECONNREFUSED)
		(void)unlink(path);
	return 0;
}

static int open_at(const struct address *address, struct err *e)
{
	OWN_FD int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	mode_t mask;
	int bound;

	if (fd < 0)
		return err_sys(e, "socket");
	if (address->at.any.sa_family == AF_UNIX && clear_path(address, e) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	mask = umask(0117); /* of a socket in the file system: owner and group */
	bound = bind(fd, &address->at.any, address->len);
	umask(mask);
	if (bound < 0)
		return err_sys(e, "bind; is another service there? another place can be chosen");
	if (listen(fd, BACKLOG) < 0)
		return err_sys(e, "listen");
	return TAKE_FD(fd);
}

static struct listening listening_at(int fd, const struct address *address)
{
	struct listening out = { .fd = fd };

	if (address->at.any.sa_family == AF_UNIX) {
		out.is_unix = true;
		return out;
	}
	out.is_loopback = address_is_local(address);
	out.port = ntohs(address->at.any.sa_family == AF_INET6 ? address->at.v6.sin6_port : address->at.v4.sin_port);
	return out;
}

int listen_at(const char *option, const char *text, struct listening *out, struct err *e)
{
	struct address address = { .len = 0 };
	socklen_t len = sizeof(address.at);
	OWN_FD int fd = -1;

	if (address_read(text, &address, e) < 0)
		return err_add(e, "--%s", option);
	fd = open_at(&address, e);
	if (fd < 0)
		return err_add(e, "--%s %.60s", option, text);
	if (getsockname(fd, &address.at.any, &len) < 0)
		return err_sys(e, "getsockname");
	*out = listening_at(TAKE_FD(fd), &address);
	return 0;
}

/* Somebody else made it and listens on it: systemd, for one. */
static int take_inherited(struct front *front, struct listening *out, struct err *e)
{
	struct address address = { .len = 0 };
	socklen_t len = sizeof(address.at), word = sizeof(int);
	int kind = 0, listens = 0;

	if (getsockname(INHERITED_FD, &address.at.any, &len) < 0 || fcntl(INHERITED_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(INHERITED_FD, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "the inherited socket");
	if (getsockopt(INHERITED_FD, SOL_SOCKET, SO_TYPE, &kind, &word) < 0 || kind != SOCK_STREAM ||
	    getsockopt(INHERITED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &word) < 0 || !listens)
		return err_set(e, ERR_USAGE, "the inherited socket is none that listens for streams");
	if (address.at.any.sa_family != AF_UNIX && address.at.any.sa_family != AF_INET && address.at.any.sa_family != AF_INET6)
		return err_set(e, ERR_USAGE, "the inherited socket has addresses of a kind unknown here");
	address_write(&address, front->listen_text, sizeof(front->listen_text));
	front->options.listen = front->listen_text;
	*out = listening_at(INHERITED_FD, &address);
	return 0;
}

int listen_open(struct front *front, struct err *e)
{
	const struct front_options *const o = &front->options;
	struct listening got = { .fd = -1 };

	if ((strcmp(o->listen, LISTEN_INHERITED) == 0 ? take_inherited(front, &got, e) : listen_at("listen", o->listen, &got, e)) < 0)
		return -1;
	front->listen_fd = got.fd;
	front->is_unix = got.is_unix;
	front->is_loopback = got.is_loopback;
	front->port = got.port;
	if (!front->is_unix && !front->is_loopback && !o->tls_cert && !o->is_behind_proxy)
		return err_set(e, ERR_DENIED, "--listen %.60s can be reached by others, and keys would cross the network in the "
			       "clear: give --tls-cert and --tls-key, or say --behind-proxy", o->listen);
	return 0;
}

/* The launcher opened it, who may read what this process may not. */
static int read_pem(int fd, const char *path, char **out, struct err *e)
{
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(e, "%.120s: it was not handed over", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%.120s is no file", path);
	return fd_read_file(fd, path, PEM_MAX, out, &len, e);
}

int listen_read_tls(struct front *front, struct err *e)
{
	const struct front_options *const o = &front->options;
	int status;

	if (!o->tls_cert != !o->tls_key)
		return err_set(e, ERR_USAGE, "--tls-cert and --tls-key go together");
	if (!o->tls_cert)
		return 0;
	status = read_pem(TLS_CERT_FD, o->tls_cert, &front->tls_cert, e) < 0 || read_pem(TLS_KEY_FD, o->tls_key, &front->tls_key, e) < 0 ? -1 : 0;
	fd_close(TLS_CERT_FD);
	fd_close(TLS_KEY_FD);
	return status;
}
