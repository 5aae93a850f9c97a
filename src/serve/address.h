/* Where a service listens, as ward-serve(1) writes it. Literal: no name is looked up, so that what is listened on is what is written. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} at;
	socklen_t len;
};

/* ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH; ERR_USAGE: it is none of them. */
MUST_USE int address_read(const char *text, struct address *out, struct err *e);
/* The same the other way, for people. */
void address_write(const struct address *address, char *out, size_t room);

/* Only this machine's processes reach it. */
bool address_is_local(const struct address *address);
