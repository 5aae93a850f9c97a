/* /v1/openapi.json: the table of routes and the schemas, as OpenAPI 3.1. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Its schemas by name, with the limits of jobs; json_decref() releases them. */
json_t *openapi_schemas(void);

/* The document, terminated; the caller frees it. */
char *openapi_write(size_t *len);
