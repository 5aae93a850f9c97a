/* /v1/openapi.json: the table of routes and the schemas, as OpenAPI 3.1. */
#pragma once

#include <stddef.h>

/* The document, terminated; the caller frees it. */
char *openapi_write(size_t *len);
