/* What socket.c and relay.c take of a connection: one that carries no requests, and several at once. */
#pragma once

#include <curl/curl.h>

#include "remote/http.h"

/* Connects, with TLS where the address says so, and sends nothing. The next http_do() makes a connection of its own. */
MUST_USE int http_connect(struct http *http, int *fd, struct err *e);
CURL *http_curl(struct http *http);
/* The halves of http_do(), for who performs several at once. The call and the answer stay where they are until the end. */
void http_begin(struct http *http, const struct http_call *call, struct http_answer *out);
MUST_USE int http_end(struct http *http, CURLcode code, struct err *e);

/* What Host says, and the key; borrowed. */
const char *http_host(const struct http *http);
const char *http_key(const struct http *http);
