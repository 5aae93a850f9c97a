/* The table of routes: which there are, and which one a request means. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "serve/job.h"

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_PUT, ROUTE_PATCH, ROUTE_DELETE, ROUTE_METHODS };
enum route_body { ROUTE_NONE, ROUTE_JSON, ROUTE_NDJSON, ROUTE_BYTES };
enum { ROUTE_KEYED = 1, ROUTE_STREAM = 2, ROUTE_SINK = 4 };

#define ROUTE_PUBLIC UINT32_MAX         /* scope: no key is asked for */
#define ROUTE_ANY    0u                 /* any key */
#define ROUTE_JOBS_LIST (STORE_JOBS_READ | STORE_ADMIN_OPERATOR)       /* one of them */

#define ROUTE_BATCH_MAX ((size_t)32 << 20)
#define ROUTE_STDIN_MAX ((size_t)1 << 20)
#define ROUTE_BLOB_MAX  ((size_t)1 << 30)
#define ROUTE_MCP_MAX   (JOB_DOCUMENT_MAX + 65536)      /* a document, and what is around it */
#define ROUTE_PATH_MAX  1024
#define ROUTE_PARTS     2       /* {parts} of a path at most */

struct request;
typedef void route_handler(struct request *request);

struct route {
	const char *name, *path, *query, *answer, *summary;
	route_handler *handle;
	size_t body_max;
	uint32_t scope;
	enum route_method method;
	enum route_body body;
	unsigned flags, status;
};

/* In the order of the table; NULL past the end. */
const struct route *route_at(size_t i);
size_t route_index(const struct route *route);

const char *route_method_name(enum route_method method);
/* ROUTE_METHODS when there is none of that name; HEAD is GET without a body. */
enum route_method route_method_find(const char *name);

/* The route of a path as it came, still encoded. parts[] are decoded, in the arena.
 *
 * Returns 1; 0 when no route has that path; -1 when one has, but another method: *allowed has a bit for each
 * (1 << enum route_method); -2 when a part is no proper text */
int route_find(enum route_method method, const char *path, struct arena *arena, const struct route **out,
	       const char *parts[ROUTE_PARTS], unsigned *allowed);

/* True when the route's list of parameters has this one. */
bool route_has_query(const struct route *route, const char *name);
