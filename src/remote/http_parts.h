/* What socket.c takes of a connection to the service that carries no requests. */
#pragma once

#include <curl/curl.h>

#include "remote/http.h"

/* Connects, with TLS where the address says so, and sends nothing. The next http_do() makes a connection of its own. */
MUST_USE int http_connect(struct http *http, int *fd, struct err *e);
CURL *http_curl(struct http *http);
/* What Host says, and the key; borrowed. */
const char *http_host(const struct http *http);
const char *http_key(const struct http *http);
