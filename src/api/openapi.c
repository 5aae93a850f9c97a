/* Writes the description of the API from the table that dispatches, authorises and bounds: what is not in one is not in
 * the other. The schemas are in schemas.json; the limits of a job come from their own table. */
#include "api/openapi.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/route.h"
#include "serve/job.h"
#include "store/store_tenant.h"

#define EMBED(stem, text, bare) static const char schemas[] = text;
#include "schemas.inc"
#undef EMBED

static json_t *reference(const char *schema)
{
	char path[96];

	snprintf(path, sizeof(path), "#/components/schemas/%s", schema);
	return json_pack("{s:s}", "$ref", path);
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* An answer that is a media type stands in quotes in the table. */
static json_t *answer_of(const struct route *route)
{
	char type[64];

	if (*route->answer != '"')
		return content("application/json", reference(route->answer));
	snprintf(type, sizeof(type), "%.*s", (int)strlen(route->answer) - 2, route->answer + 1);
	return content(type, json_pack("{s:s}", "type", "string"));
}

static json_t *parameter(const char *name, size_t len, const char *in, bool is_required, const char *says)
{
	return json_pack("{s:s%,s:s,s:b,s:{s:s},s:s}", "name", name, len, "in", in, "required", is_required, "schema", "type", "string",
			 "description", says);
}

static void add_path_parameters(const struct route *route, json_t *list)
{
	for (const char *open = strchr(route->path, '{'); open; open = strchr(open + 1, '{')) {
		const char *const close = strchr(open, '}');
		const size_t len = (size_t)(close - open) - 1 - (close[-1] == '*');

		json_array_append_new(list, parameter(open + 1, len, "path", true,
						      close[-1] == '*' ? "all that is left of the path" : "one part of the path"));
	}
}

static void add_query_parameters(const struct route *route, json_t *list)
{
	for (const char *word = route->query; *word;) {
		const size_t len = strcspn(word, " ");

		/* label.* stands for any number of parameters; OpenAPI has no word for that. */
		if (word[len - 1] == '*')
			json_array_append_new(list, parameter("label.NAME", 10, "query", false, "only jobs that have this label; may be repeated for other names"));
		else
			json_array_append_new(list, parameter(word, len, "query", false, ""));
		word += len + (word[len] == ' ');
	}
}

static const char *scope_name(uint32_t scope)
{
	return scope == STORE_JOBS_WRITE ? "jobs:write" : scope & STORE_JOBS_READ ? "jobs:read" :
	       scope == STORE_ADMIN_TENANT ? "admin:tenant" : scope == STORE_ADMIN_OPERATOR ? "admin:operator" : "";
}

static json_t *body_of(const struct route *route)
{
	static const struct {
		const char *handler, *schema;
	} rows[] = {
		{ "job_create", "JobDocument" }, { "job_batch", "BatchItems" }, { "input_signal", "Signal" },
		{ "input_resize", "Resize" },
		{ "tenant_create", "TenantDocument" }, { "tenant_change", "TenantDocument" }, { "key_create", "KeyDocument" },
		{ "webhook_create", "WebhookDocument" }, { "mcp_post", "McpMessage" },
	};
	const char *schema = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].handler, route->name))
			schema = rows[i].schema;
	return json_pack("{s:b,s:o}", "required", true, "content",
			 schema ? content("application/json", reference(schema)) :
			 content("application/octet-stream", json_pack("{s:s}", "type", "string")));
}

static json_t *operation(const struct route *route)
{
	char status[8], limit[64];
	json_t *const parameters = json_array(), *const op = json_object();
	json_t *const answers = json_object();

	add_path_parameters(route, parameters);
	add_query_parameters(route, parameters);
	if (route->flags & ROUTE_KEYED)
		json_array_append_new(parameters, parameter("Idempotency-Key", 15, "header", false, "the same key with the same document is the same job"));
	snprintf(status, sizeof(status), "%u", route->status);
	json_object_set_new(answers, status, json_pack("{s:s,s:o}", "description", route->summary, "content", answer_of(route)));
	json_object_set_new(answers, "default", json_pack("{s:s,s:o}", "description", "Refused", "content",
							  content("application/problem+json", reference("Problem"))));
	json_object_set_new(op, "operationId", json_string(route->name));
	json_object_set_new(op, "summary", json_string(route->summary));
	json_object_set_new(op, "parameters", parameters);
	json_object_set_new(op, "responses", answers);
	if (route->body != ROUTE_NONE) {
		snprintf(limit, sizeof(limit), "at most %zu bytes", route->body_max);
		json_object_set_new(op, "requestBody", body_of(route));
		json_object_set_new(op, "x-body-limit", json_string(limit));
	}
	json_object_set_new(op, "security", route->scope == ROUTE_PUBLIC ? json_array() : json_pack("[{s:[]}]", "key"));
	if (route->scope != ROUTE_PUBLIC && route->scope != ROUTE_ANY)
		json_object_set_new(op, "x-scope", json_string(scope_name(route->scope)));
	return op;
}

/* "/v1/x/{name*}" is "/v1/x/{name}" there. */
static void path_write(const char *path, char out[128])
{
	size_t n = 0;

	for (; *path && n < 127; path++)
		if (*path != '*')
			out[n++] = *path;
	out[n] = '\0';
}

static json_t *paths(void)
{
	json_t *const all = json_object();
	const struct route *route;

	for (size_t i = 0; (route = route_at(i)); i++) {
		const char *const name = route_method_name(route->method);
		char path[128], method[8];
		json_t *item;
		size_t k;

		path_write(route->path, path);
		item = json_object_get(all, path);
		if (!item) {
			item = json_object();
			json_object_set_new(all, path, item);
		}
		for (k = 0; k < sizeof(method) - 1 && name[k]; k++)
			method[k] = (char)(name[k] | 0x20);
		method[k] = '\0';
		json_object_set_new(item, method, operation(route));
	}
	return all;
}

static void add_limits(json_t *all)
{
	json_t *const limits = json_object_get(json_object_get(json_object_get(json_object_get(all, "JobDocument"), "properties"), "limits"), "properties");

#define LIMIT(name, least, most, what)                                                                                        \
	if (strcmp(#name, "cpus_milli"))                                                                                       \
		json_object_set_new(limits, #name, json_pack("{s:s,s:I,s:I,s:s}", "type", "integer", "minimum", (json_int_t)(least), \
							     "maximum", (json_int_t)(most), "description", what));
#include "serve/job_limits.def"
#undef LIMIT
}

static void add_codes(json_t *all)
{
	json_t *const codes = json_array();

	for (size_t i = 0; problem_at(i).code; i++)
		json_array_append_new(codes, json_string(problem_at(i).code));
	json_object_set_new(json_object_get(json_object_get(json_object_get(all, "Problem"), "properties"), "code"), "examples", codes);
}

json_t *openapi_schemas(void)
{
	json_error_t error;
	json_t *const all = json_loads(schemas, JSON_REJECT_DUPLICATES, &error);

	assert(all); /* ours, and embedded */
	add_limits(all);
	return all;
}

char *openapi_write(size_t *len)
{
	json_t *const all = openapi_schemas(), *document;
	char *text;

	add_codes(all);
	document = json_pack("{s:s,s:{s:s,s:s,s:s,s:{s:s,s:s}},s:o,s:{s:o,s:{s:{s:s,s:s,s:s}}}}",
		"openapi", "3.1.0",
		"info", "title", "ward serve", "version", WARD_VERSION,
		"description", "Runs anybody's code, each job in a fresh box. Whoever sees no `end` of a stream asks GET.",
		"license", "name", "Apache-2.0", "identifier", "Apache-2.0",
		"paths", paths(),
		"components", "schemas", all, "securitySchemes", "key", "type", "http", "scheme", "bearer",
		"description", "wk_... ; scopes are in x-scope");
	text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	if (!text)
		mem_fail();
	json_decref(document);
	*len = strlen(text);
	return text;
}
