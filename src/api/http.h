/* The HTTP server: libmicrohttpd in our own loop. It parses heads; what they mean is ours. */
#pragma once

#include "api/request.h"

/* Starts on front->listen_fd; connections are served by http_turn() from then on. */
MUST_USE int http_start(struct front *front, struct err *e);
/* Serves what is ready, and ends connections that take longer than they may. For the loop, after every turn. */
void http_turn(struct front *front);
/* No further connections; those there are go on. */
void http_quiet(struct front *front);
void http_stop(struct front *front);

/* A body that is taken as it comes (ROUTE_SINK): each piece, before the handler is called. False: answered already,
 * the rest is dropped. Defined by blob_put.c. */
bool upload_take(struct request *request, const char *bytes, size_t len);
/* Before the first piece. */
bool upload_begin(struct request *request);
