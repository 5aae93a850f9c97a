/* Keys: 256 random bits that are shown once. What is kept of one cannot be turned back into it. */
#include "api/key.h"

#include <string.h>

#include "api/body.h"
#include "api/handlers.h"
#include "api/holder.h"
#include "api/tenant.h"

static const struct {
	const char *name;
	uint32_t bit;
} scopes[] = {
	{ "jobs:write", STORE_JOBS_WRITE },       { "jobs:read", STORE_JOBS_READ },     { "admin:tenant", STORE_ADMIN_TENANT },
	{ "admin:operator", STORE_ADMIN_OPERATOR }, { "metrics", STORE_METRICS },
};

uint32_t key_scope_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (!strcmp(scopes[i].name, name))
			return scopes[i].bit;
	return 0;
}

void key_scopes_put(struct json *json, const char *name, uint32_t bits)
{
	json_put_array(json, name);
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (bits & scopes[i].bit)
			json_put_text(json, NULL, scopes[i].name);
	json_put_end(json);
}

static void put_key(struct json *json, const struct store_key *key, const char *text)
{

	json_put_object(json, NULL);
	json_put_text(json, "public", key->public);
	json_put_text(json, "name", key->name ? key->name : "");
	key_scopes_put(json, "scopes", key->scopes);
	log_put_moment(json, "created_at", key->created_ms);
	log_put_moment(json, "expires_at", key->expires_ms);
	json_put_bool(json, "revoked", key->is_revoked);
	if (text)
		json_put_text(json, "key", text);
	json_put_end(json);
}

void api_key_list(struct request *request)
{
	struct store_tenant tenant;
	struct store_key *keys;
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (!tenant_asked(request, &tenant))
		return;
	if (store_key_list(request->front->store, tenant.id, &request->arena, &keys, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_array(&json, "keys");
	for (size_t i = 0; i < n; i++)
		put_key(&json, &keys[i], NULL);
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

/* -- making one -- */

struct making {
	struct store_key key;
	char text[STORE_KEY_TEXT];
};

static int read_name(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct making *const making = into;

	if (fields_text(r, at, value, 1, JOB_NAME_MAX, &making->key.name) < 0)
		return -1;
	return job_name_is_valid(making->key.name) ? 0 :
	       fields_fault(r, at, "invalid_value", "may have letters, digits, '.', '_' and '-' alone");
}

static int read_scopes(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct making *const making = into;
	json_t *item;
	size_t i;

	if (!json_array_size(value))
		return fields_fault(r, at, "invalid_value", "must be an array of scopes, and not empty");
	making->key.scopes = 0;
	json_array_foreach (value, i, item) {
		const uint32_t bit = json_is_string(item) ? key_scope_find(json_string_value(item)) : 0;

		if (!bit)
			return fields_fault(r, at, "invalid_value", "scopes are jobs:write, jobs:read, admin:tenant, admin:operator, metrics");
		making->key.scopes |= bit;
	}
	return 0;
}

static int read_expiry(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	int64_t ms = 0;

	if (!json_is_string(value) || !job_moment_read(json_string_value(value), &ms) || ms <= (int64_t)loop_wall_ms())
		return fields_fault(r, at, "invalid_value", "must be a moment to come, as in \"2030-01-01T00:00:00Z\"");
	((struct making *)into)->key.expires_ms = (uint64_t)ms;
	return 0;
}

static void made(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct making *const making = request->own;
	struct json json = JSON_NONE;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
	} else {
		tenant_audit(request, making->key.tenant, "key.create", making->key.public);
		put_key(&json, &making->key, making->text);
		request_json(request, MHD_HTTP_CREATED, &json);
	}
	explicit_bzero(making->text, sizeof(making->text));
}

void api_key_create(struct request *request)
{
	static const struct field fields[] = { { "name", read_name }, { "scopes", read_scopes }, { "expires_at", read_expiry } };
	struct making *const making = arena_alloc(&request->arena, sizeof(*making));
	struct store_tenant tenant;
	struct err e = ERR_INIT;

	making->key = (struct store_key){ .name = "key", .scopes = STORE_JOBS_WRITE | STORE_JOBS_READ, .created_ms = loop_wall_ms() };
	if (!tenant_asked(request, &tenant) || !body_read(request, fields, ARRAY_SIZE(fields), making))
		return;
	/* Nobody gives what is not theirs to give. */
	if (making->key.scopes & (STORE_ADMIN_OPERATOR | STORE_METRICS) && !(request->key.scopes & STORE_ADMIN_OPERATOR)) {
		request_fail(request, "scope_missing", "/scopes", "a tenant's admin gives scopes of its tenant alone");
		return;
	}
	making->key.tenant = tenant.id;
	if (store_key_make(making->text, making->key.public, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	request->own = making;
	store_key_put(request->front->store, &making->key, making->text, made, request);
}

/* -- ending one -- */

static void revoked(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	const struct store_tenant *const tenant = request->own;
	struct json json = JSON_NONE;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
		return;
	}
	if (answer->outcome == STORE_MISSING) {
		request_fail(request, "not_found", NULL, "there is no such key");
		return;
	}
	tenant_audit(request, tenant->id, "key.revoke", request->parts[0]);
	session_end_key(&request->front->sessions, request->parts[0]);
	holder_end_waits(request->front);
	json_put_object(&json, NULL);
	json_put_text(&json, "public", request->parts[0]);
	json_put_bool(&json, "revoked", true);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_key_revoke(struct request *request)
{
	struct store_tenant *const tenant = arena_alloc(&request->arena, sizeof(*tenant));

	if (!tenant_asked(request, tenant))
		return;
	request->own = tenant;
	store_key_revoke(request->front->store, tenant->id, request->parts[0], revoked, request);
}
