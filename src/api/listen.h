/* Where the front listens, and the certificate it shows there. */
#pragma once

#include "api/front.h"

#define INHERITED_FD 5          /* serve/launcher.h: FRONT_FD_LISTEN, FRONT_FD_TLS_CERT, FRONT_FD_TLS_KEY */
#define TLS_CERT_FD  7
#define TLS_KEY_FD   8
#define LISTEN_INHERITED "inherited"    /* for --listen: it is there already */

/* A socket that listens; its number is the caller's. */
struct listening {
	int fd;
	bool is_loopback, is_unix;
	uint16_t port;
};

/* Binds and listens at ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH. option: what it was given as, for messages.
 *
 * Errors: ERR_USAGE, ERR_SYSTEM */
MUST_USE int listen_at(const char *option, const char *text, struct listening *out, struct err *e);

/* Binds and listens: front->listen_fd, port, is_loopback, is_unix. An address that others can reach is refused unless
 * there is a certificate or a proxy in front.
 *
 * Errors: ERR_USAGE, ERR_DENIED, ERR_SYSTEM */
MUST_USE int listen_open(struct front *front, struct err *e);

/* Reads the two PEM files into memory: later there is no right to. */
MUST_USE int listen_read_tls(struct front *front, struct err *e);
