/* What stands between the head of a request and its handler: Host, route, key, scope, rate, size. */
#pragma once

#include <stdbool.h>

#include "api/request.h"

/* Looks at the head. True: the body may come; false: the request was answered. */
bool admit_head(struct request *request, const char *method, const char *url);
