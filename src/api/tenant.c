/* Tenants: made and changed by who runs the service, looked at by themselves. */
#include "api/tenant.h"

#include <string.h>

#include "api/body.h"
#include "api/handlers.h"
#include "serve/job.h"

static const char *const threats[] = { "own", "known", "hostile" };

bool tenant_asked(struct request *request, struct store_tenant *out)
{
	const char *const name = request_query(request, "tenant");
	struct err e = ERR_INIT;
	int found = 0;

	if (!name || !strcmp(name, request->tenant.name)) {
		*out = request->tenant;
		return true;
	}
	if (request->key.scopes & STORE_ADMIN_OPERATOR)
		found = store_tenant_find(request->front->store, name, &request->arena, out, &e);
	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such tenant");
	return found == 1;
}

bool tenant_scope(struct request *request, uint64_t *out)
{
	struct store_tenant tenant;

	*out = 0;
	if (request->key.scopes & STORE_ADMIN_OPERATOR && !request_query(request, "tenant"))
		return true;
	if (!tenant_asked(request, &tenant))
		return false;
	*out = tenant.id;
	return true;
}

void tenant_put_name(struct json *json, struct front *front, uint64_t id)
{
	OWN(arena) arena = { .total = 0 };
	struct store_tenant tenant;
	struct err ignored = ERR_INIT;

	if (store_tenant_get(front->store, id, &arena, &tenant, &ignored) == 1)
		json_put_text(json, "tenant", tenant.name);
}

void tenant_audit(struct request *request, uint64_t tenant, const char *action, const char *subject)
{
	const struct store_audit entry = { .tenant = tenant, .at_ms = loop_wall_ms(), .actor = request->key.public,
					   .action = action, .subject = subject };

	store_audit_append(request->front->store, &entry, NULL, NULL);
}

/* The settings that are plain numbers: name in the API, place in the struct. */
static const struct number {
	const char *name;
	size_t at;
	uint64_t most;
} numbers[] = {
	{ "max_queued", offsetof(struct store_tenant, max_queued), 10000000 },
	{ "max_running", offsetof(struct store_tenant, max_running), 100000 },
	{ "starts_per_s", offsetof(struct store_tenant, starts_per_s), 1000000 },
	{ "requests_per_s", offsetof(struct store_tenant, requests_per_s), 1000000 },
	{ "cpu_ms_per_day", offsetof(struct store_tenant, cpu_ms_per_day), (uint64_t)1 << 50 },
	{ "blob_bytes", offsetof(struct store_tenant, blob_bytes), (uint64_t)1 << 50 },
	{ "kept_bytes", offsetof(struct store_tenant, kept_bytes), (uint64_t)1 << 50 },
	{ "memory_bytes", offsetof(struct store_tenant, memory_bytes), (uint64_t)1 << 50 },
	{ "sessions", offsetof(struct store_tenant, sessions), 100000 },
	{ "audit_keep_ms", offsetof(struct store_tenant, audit_keep_ms), (uint64_t)3660 * 86400000 },
	{ "retention_ms", offsetof(struct store_tenant, retention_ms), (uint64_t)366 * 86400000 },
};

static void put_tenant(struct json *json, const char *key, const struct store_tenant *tenant)
{

	json_put_object(json, key);
	json_put_text(json, "name", tenant->name);
	json_put_bool(json, "suspended", tenant->is_suspended);
	if (tenant->is_suspended)
		json_put_text(json, "suspended_why", tenant->suspended_why);
	json_put_u64(json, "weight", tenant->weight);
	json_put_text(json, "threat", threats[tenant->threat]);
	json_put_text(json, "boundary_min", tenant->boundary_min ? tenant->boundary_min : "");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_put_u64(json, numbers[i].name, *(const uint64_t *)(const void *)((const char *)tenant + numbers[i].at));
	log_put_moment(json, "created_at", tenant->created_ms);
	json_put_end(json);
}

static void tell(struct request *request, unsigned status, const struct store_tenant *tenant)
{
	struct json json = JSON_NONE;

	put_tenant(&json, NULL, tenant);
	request_json(request, status, &json);
}

void api_quota_get(struct request *request)
{
	struct store_tenant tenant;

	if (tenant_asked(request, &tenant))
		tell(request, MHD_HTTP_OK, &tenant);
}

/* -- the document -- */

static int read_name(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *name;

	if (fields_text(r, at, value, 1, JOB_NAME_MAX, &name) < 0)
		return -1;
	((struct store_tenant *)into)->name = name;
	return job_name_is_valid(name) ? 0 : fields_fault(r, at, "invalid_value", "may have letters, digits, '.', '_' and '-' alone");
}

static int read_suspended(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	if (!json_is_true(value) != !((struct store_tenant *)into)->is_suspended)
		((struct store_tenant *)into)->suspended_why = "by who runs the service";
	((struct store_tenant *)into)->is_suspended = json_is_true(value);
	return json_is_boolean(value) ? 0 : fields_fault(r, at, "invalid_value", "must be true or false");
}

static int read_weight(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	uint64_t n = 0;

	if (fields_number(r, at, value, 1, 1000, &n) < 0)
		return -1;
	((struct store_tenant *)into)->weight = (uint32_t)n;
	return 0;
}

static int read_threat(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *const word = json_is_string(value) ? json_string_value(value) : "";

	for (unsigned i = 0; i < ARRAY_SIZE(threats); i++)
		if (!strcmp(threats[i], word)) {
			((struct store_tenant *)into)->threat = (enum store_threat)i;
			return 0;
		}
	return fields_fault(r, at, "invalid_value", "must be own, known or hostile");
}

static int read_boundary(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *const word = json_is_string(value) ? json_string_value(value) : "?";

	if (*word && (job_boundary_find(word) == JOB_BOUNDARIES || job_boundary_find(word) == JOB_AUTO))
		return fields_fault(r, at, "invalid_value", "must be a boundary of GET /v1/boundaries, or \"\"");
	((struct store_tenant *)into)->boundary_min = arena_copy(r->arena, word, strlen(word));
	return 0;
}

static int read_number(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	size_t i = 0;

	while (strcmp(numbers[i].name, at->key))
		i++;
	return fields_number(r, at, value, 0, numbers[i].most, (uint64_t *)(void *)((char *)into + numbers[i].at));
}

static const struct field fields[] = {
	{ "name", read_name },             { "suspended", read_suspended },    { "weight", read_weight },
	{ "threat", read_threat },         { "boundary_min", read_boundary },  { "max_queued", read_number },
	{ "max_running", read_number },    { "starts_per_s", read_number },    { "requests_per_s", read_number },
	{ "cpu_ms_per_day", read_number }, { "blob_bytes", read_number },      { "retention_ms", read_number },
	{ "kept_bytes", read_number },     { "memory_bytes", read_number },    { "sessions", read_number },
	{ "audit_keep_ms", read_number },
};

static bool find_named(struct request *request, struct store_tenant *out)
{
	struct err e = ERR_INIT;
	const int found = store_tenant_find(request->front->store, request->parts[0], &request->arena, out, &e);

	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such tenant");
	return found == 1;
}

static void written(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct store_tenant tenant;
	struct err e = ERR_INIT;
	int found;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
		return;
	}
	if (answer->outcome == STORE_TAKEN) {
		request_fail(request, "name_taken", "/name", "another tenant has that name");
		return;
	}
	found = store_tenant_get(request->front->store, answer->items[0].number, &request->arena, &tenant, &e);
	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such tenant");
	if (found != 1)
		return;
	tenant_audit(request, tenant.id, request->route->method == ROUTE_POST ? "tenant.create" : "tenant.change", tenant.name);
	tell(request, request->route->status, &tenant);
}

void api_tenant_create(struct request *request)
{
	struct store_tenant tenant = { .name = NULL, .weight = 100, .threat = STORE_HOSTILE, .boundary_min = "" };

	if (!body_read(request, fields, ARRAY_SIZE(fields), &tenant))
		return;
	if (tenant.name)
		store_tenant_put(request->front->store, &tenant, written, request);
	else
		request_fail(request, "invalid_value", "", "name is missing");
}

void api_tenant_change(struct request *request)
{
	struct store_tenant tenant;

	if (find_named(request, &tenant) && body_read(request, fields, ARRAY_SIZE(fields), &tenant))
		store_tenant_put(request->front->store, &tenant, written, request);
}

void api_tenant_get(struct request *request)
{
	struct store_tenant tenant;

	if (find_named(request, &tenant))
		tell(request, MHD_HTTP_OK, &tenant);
}

void api_tenant_list(struct request *request)
{
	struct store_tenant *tenants;
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	uint64_t after = 0;
	size_t limit, n = 0;

	if (!request_query_limit(request, &limit) || !request_query_number(request, "after", &after))
		return;
	if (store_tenant_list(request->front->store, after, limit, &request->arena, &tenants, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_array(&json, "tenants");
	for (size_t i = 0; i < n; i++)
		put_tenant(&json, NULL, &tenants[i]);
	json_put_end(&json);
	if (n == limit)
		json_put_u64(&json, "next", tenants[n - 1].id);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
