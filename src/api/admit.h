/* What stands between the head of a request and its handler: Host, route, key, scope, rate, size. */
#pragma once

#include <stdbool.h>

#include "api/request.h"

/* Whether a request with this Host (NULL: none) may be meant for us, on a listener that is (not) a loopback address. */
bool admit_host(const struct front *front, bool is_loopback, const char *host);

/* Whether the key may do what the route does; false: answered. */
bool admit_scope(struct request *request);

/* Looks at the head. True: the body may come; false: the request was answered. */
bool admit_head(struct request *request, const char *method, const char *url);

/* Every second, and when the front ends: tells of wrong keys that came in numbers (burst.h). */
void admit_beat(struct front *front);
