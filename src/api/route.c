/* Matches paths part by part. A part is compared before it is decoded, so that no encoding makes another route. */
#include "api/route.h"

#include <string.h>

#include "api/handlers.h"
#include "api/url.h"
#include "serve/job.h"
#include "store/store_tenant.h"

#define STORE_PUBLIC ROUTE_PUBLIC
#define STORE_ANY    ROUTE_ANY
#define STORE_JOBS_LIST ROUTE_JOBS_LIST
#define BATCH_MAX    ROUTE_BATCH_MAX
#define STDIN_MAX    ROUTE_STDIN_MAX
#define MCP_MAX      ROUTE_MCP_MAX
#define BLOB_MAX     ROUTE_BLOB_MAX
#define KEYED        ROUTE_KEYED
#define STREAM       ROUTE_STREAM
#define SINK         ROUTE_SINK

static const struct route rows[] = {
#define ROUTE(handler, method, path, scope, body, body_max, query, flags, answer, status, summary) \
	{ #handler, path, query, #answer, summary, api_##handler, body_max, STORE_##scope, ROUTE_##method, ROUTE_##body, flags, status },
#include "api/route.def"
#undef ROUTE
};

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
_Static_assert(ARRAY_SIZE(methods) == ROUTE_METHODS, "a name for each method");

const struct route *route_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

size_t route_index(const struct route *route)
{
	return (size_t)(route - rows);
}

const char *route_method_name(enum route_method method)
{
	return methods[method];
}

enum route_method route_method_find(const char *name)
{
	size_t i = 0;

	if (!strcmp(name, "HEAD"))
		return ROUTE_GET;
	while (i < ROUTE_METHODS && strcmp(methods[i], name))
		i++;
	return (enum route_method)i;
}

struct match {
	const char *at[ROUTE_PARTS];    /* still encoded */
	size_t len[ROUTE_PARTS], n;
};

static bool fits(const char *pattern, const char *path, struct match *match)
{
	match->n = 0;
	while (*pattern && *path) {
		const char *const close = *pattern == '{' ? strchr(pattern, '}') : NULL;

		if (!close) {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		match->at[match->n] = path;
		match->len[match->n] = close[-1] == '*' ? strlen(path) : strcspn(path, "/");
		if (!match->len[match->n])
			return false;
		path += match->len[match->n++];
		pattern = close + 1;
	}
	return !*pattern && !*path;
}

static int decode(const struct match *match, struct arena *arena, const char *parts[ROUTE_PARTS])
{
	for (size_t i = 0; i < match->n; i++) {
		parts[i] = url_decode(arena, match->at[i], match->len[i]);
		if (!parts[i])
			return -2;
	}
	return 1;
}

int route_find(enum route_method method, const char *path, struct arena *arena, const struct route **out,
	       const char *parts[ROUTE_PARTS], unsigned *allowed)
{
	struct match match;

	*allowed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!fits(rows[i].path, path, &match))
			continue;
		if (rows[i].method == method) {
			*out = &rows[i];
			return decode(&match, arena, parts);
		}
		*allowed |= 1u << rows[i].method;
	}
	return *allowed ? -1 : 0;
}

bool route_has_query(const struct route *route, const char *name)
{
	for (const char *word = route->query; *word;) {
		const size_t len = strcspn(word, " ");

		if (word[len - 1] == '*' ? !strncmp(word, name, len - 1) && name[len - 1] : !strncmp(word, name, len) && !name[len])
			return true;
		word += len + (word[len] == ' ');
	}
	return false;
}
