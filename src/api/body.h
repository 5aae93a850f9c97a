/* A small JSON body, read by a table of fields (serve/job_fields.h). */
#pragma once

#include "api/request.h"
#include "serve/job_fields.h"

/* Reads the body into *into. False: it was refused, and the request answered. An empty body is an empty object. */
bool body_read(struct request *request, const struct field *fields, size_t n, void *into);
