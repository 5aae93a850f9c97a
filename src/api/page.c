/* The dashboard: files that were put into this program when it was built (web/, tools/embed.py). They hold nothing of
 * anybody's, so they are for everybody; what they show they ask for with a session. */
#include "api/page.h"

#include <string.h>

#include "api/handlers.h"
#include "api/request.h"

static const struct asset {
	const char *name, *bytes, *etag;
	size_t len;
} assets[] = {
#ifdef WARD_DASHBOARD
#define EMBED(name, bytes, digest) { name, bytes, "\"" digest "\"", sizeof(bytes) - 1 },
#include "dashboard.inc"
#undef EMBED
#endif
	{ NULL, NULL, NULL, 0 }, /* the end */
};

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },   { ".svg", "image/svg+xml" },
};

static const char *type_of(const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const size_t n = strlen(types[i].suffix);

		if (len > n && !strcmp(name + len - n, types[i].suffix))
			return types[i].type;
	}
	return "application/octet-stream";
}

/* True also where they were left out: what is missing is told to everybody. */
bool page_is_at(const char *path)
{
	return !strcmp(path, "/") || !strncmp(path, "/assets/", 8);
}

static void show(struct request *request, const char *name)
{
	const struct asset *asset = assets;
	const char *known;
	struct MHD_Response *response;

	while (asset->name && strcmp(asset->name, name))
		asset++;
	if (!asset->name) {
		request_fail(request, "not_found", NULL, "%s",
			     assets[0].name ? "the dashboard has no such file" :
			     "this ward-serve was built without its dashboard (tools/webmodules, which needs npm); the API is at /v1");
		return;
	}
	known = request_header_in(request, "If-None-Match");
	if (known && !strcmp(known, asset->etag)) {
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		request_page(request, MHD_HTTP_NOT_MODIFIED, response);
	} else {
		/* The library takes what it never writes to as void *. */
		response = MHD_create_response_from_buffer(asset->len, (void *)(uintptr_t)asset->bytes, MHD_RESPMEM_PERSISTENT);
		request_page(request, MHD_HTTP_OK, response);
		request_header(request, "Content-Type", type_of(name));
	}
	request_header(request, "ETag", asset->etag);
}

void api_page_get(struct request *request)
{
	show(request, "index.html");
}

void api_page_asset(struct request *request)
{
	show(request, request->parts[0]);
}
