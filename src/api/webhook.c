/* Webhooks of a tenant: made, listed, ended; what was delivered, and again. The secret is shown once. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/body.h"
#include "api/delivery.h"
#include "api/handlers.h"
#include "api/tenant.h"
#include "base/hex.h"
#include "store/store_hook.h"

#define SECRET_TEXT (2 * SHA256_BYTES + 1)
#define URL_MAX     1024

static const struct {
	const char *name;
	uint32_t bit;
} events[] = { { "alert", STORE_HOOK_ALERT }, { "job", STORE_HOOK_JOB } };

/* {hook} and {delivery} of the path. What is no id is not there. */
static bool take_ids(struct request *request, struct store_tenant *tenant, struct store_id *hook, struct store_id *delivery)
{
	if (!tenant_asked(request, tenant))
		return false;
	if (store_id_read(request->parts[0], strlen(request->parts[0]), hook) &&
	    (!delivery || store_id_read(request->parts[1], strlen(request->parts[1]), delivery)))
		return true;
	request_fail(request, "not_found", NULL, "there is no such webhook");
	return false;
}

static void put_id(struct json *json, const char *key, const struct store_id *id)
{
	char text[STORE_ID_TEXT];

	store_id_write(id, text);
	json_put_text(json, key, text);
}

static void put_events(struct json *json, uint32_t bits)
{
	json_put_array(json, "events");
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (bits & events[i].bit)
			json_put_text(json, NULL, events[i].name);
	json_put_end(json);
}

static void put_hook(struct json *json, const struct store_hook *hook)
{
	json_put_object(json, NULL);
	put_id(json, "id", &hook->id);
	json_put_text(json, "url", hook->url);
	put_events(json, hook->events);
	json_put_bool(json, "of_all", hook->is_of_all);
	log_put_moment(json, "created_at", hook->created_ms);
	json_put_u64(json, "pending", hook->pending);
	json_put_u64(json, "dropped", hook->dropped);
	json_put_end(json);
}

void api_webhook_list(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_tenant tenant;
	struct store_hook *hooks;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (!tenant_asked(request, &tenant))
		return;
	if (store_hook_list(request->front->store, tenant.id, &request->arena, &hooks, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_array(&json, "webhooks");
	for (size_t i = 0; i < n; i++)
		put_hook(&json, &hooks[i]);
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

/* -- making one -- */

static int read_url(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct store_hook *const hook = into;
	size_t scheme;

	if (fields_text(r, at, value, 1, URL_MAX, &hook->url) < 0)
		return -1;
	for (const char *c = hook->url; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '<' || *c == '>' || *c == '\\')
			return fields_fault(r, at, "invalid_value", "must be printable ASCII, without blanks; encode the rest");
	scheme = strncmp(hook->url, "https://", 8) == 0 ? 8 : strncmp(hook->url, "http://", 7) == 0 ? 7 : 0;
	if (!scheme || !hook->url[scheme] || strcspn(hook->url + scheme, "/?#") == 0 ||
	    memchr(hook->url + scheme, '@', strcspn(hook->url + scheme, "/?#")))
		return fields_fault(r, at, "invalid_value", "must be https://HOST/..., without a user; http for hosts that the operator named");
	return 0;
}

static int read_events(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct store_hook *const hook = into;
	json_t *item;
	size_t i;

	if (!json_array_size(value))
		return fields_fault(r, at, "invalid_value", "must be an array of alert and job, and not empty");
	hook->events = 0;
	json_array_foreach (value, i, item) {
		const char *const word = json_is_string(item) ? json_string_value(item) : "";
		uint32_t bit = 0;

		for (size_t k = 0; k < ARRAY_SIZE(events); k++)
			bit |= strcmp(events[k].name, word) == 0 ? events[k].bit : 0;
		if (!bit)
			return fields_fault(r, at, "invalid_value", "events are alert and job");
		hook->events |= bit;
	}
	return 0;
}

static void made(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct store_hook *const hook = request->own;
	char secret[SECRET_TEXT], id[STORE_ID_TEXT];
	struct json json = JSON_NONE;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
	} else if (answer->outcome != STORE_DONE) {
		request_fail(request, "invalid_value", NULL, "a tenant has at most %d webhooks", STORE_HOOKS_MAX);
	} else {
		store_id_write(&hook->id, id);
		tenant_audit(request, hook->tenant, "webhook.create", id);
		hex_write(hook->secret, sizeof(hook->secret), secret);
		json_put_object(&json, NULL);
		json_put_text(&json, "id", id);
		json_put_text(&json, "url", hook->url);
		put_events(&json, hook->events);
		json_put_text(&json, "secret", secret);
		json_put_end(&json);
		request_json(request, MHD_HTTP_CREATED, &json);
		explicit_bzero(secret, sizeof(secret));
	}
	explicit_bzero(hook->secret, sizeof(hook->secret));
}

void api_webhook_create(struct request *request)
{
	static const struct field fields[] = { { "url", read_url }, { "events", read_events } };
	struct store_hook *const hook = arena_alloc(&request->arena, sizeof(*hook));
	struct store_tenant tenant;

	*hook = (struct store_hook){ .id = store_id_new(), .events = STORE_HOOK_ALERT };
	if (!tenant_asked(request, &tenant) || !body_read(request, fields, ARRAY_SIZE(fields), hook))
		return;
	if (!request->front->has_herald) {
		request_fail(request, "not_supported", NULL, "ward-herald, which delivers, is not installed beside ward");
		return;
	}
	if (!hook->url) {
		request_fail(request, "invalid_value", "/url", "is missing");
		return;
	}
	if (getrandom(hook->secret, sizeof(hook->secret), 0) != sizeof(hook->secret)) {
		request_fail(request, "internal", NULL, "there is no randomness");
		return;
	}
	hook->tenant = tenant.id;
	hook->is_of_all = request->key.scopes & STORE_ADMIN_OPERATOR && !request_query(request, "tenant");
	request->own = hook;
	store_hook_put(request->front->store, hook, made, request);
}

/* -- ending one, delivering again -- */

static void tell_done(struct request *request, const struct store_answer *answer, const char *word, const char *id, const char *action)
{
	const uint64_t *const tenant = request->own;
	struct json json = JSON_NONE;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
		return;
	}
	if (answer->outcome == STORE_MISSING) {
		request_fail(request, "not_found", NULL, "there is no such webhook");
		return;
	}
	tenant_audit(request, *tenant, action, id);
	json_put_object(&json, NULL);
	json_put_text(&json, "id", id);
	json_put_bool(&json, word, true);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

static void removed(void *at, const struct store_answer *answer)
{
	struct request *const request = at;

	tell_done(request, answer, "removed", request->parts[0], "webhook.remove");
}

static void redriven(void *at, const struct store_answer *answer)
{
	struct request *const request = at;

	tell_done(request, answer, "redriven", request->parts[1], "webhook.redrive");
}

static void keep_tenant(struct request *request, uint64_t id)
{
	uint64_t *const own = arena_alloc(&request->arena, sizeof(*own));

	*own = id;
	request->own = own;
}

void api_webhook_delete(struct request *request)
{
	struct store_tenant tenant;
	struct store_id hook;

	if (!take_ids(request, &tenant, &hook, NULL))
		return;
	keep_tenant(request, tenant.id);
	store_hook_remove(request->front->store, tenant.id, &hook, removed, request);
}

void api_delivery_again(struct request *request)
{
	struct store_tenant tenant;
	struct store_id hook, delivery;

	if (!take_ids(request, &tenant, &hook, &delivery))
		return;
	keep_tenant(request, tenant.id);
	store_delivery_again(request->front->store, tenant.id, &hook, &delivery, redriven, request);
}

/* -- deliveries -- */

static void put_delivery(struct json *json, const struct store_delivery *delivery)
{
	const bool was_taken = delivery->status >= 200 && delivery->status < 300;

	json_put_object(json, NULL);
	put_id(json, "id", &delivery->id);
	json_put_text(json, "event", delivery->kind);
	log_put_moment(json, "created_at", delivery->created_ms);
	json_put_text(json, "state", delivery->next_ms ? "pending" : was_taken ? "delivered" : "given_up");
	json_put_u64(json, "tries", delivery->tries);
	if (delivery->status)
		json_put_u64(json, "status", delivery->status);
	if (*delivery->why)
		json_put_text(json, "why", delivery->why);
	log_put_moment(json, "next_at", delivery->next_ms);
	json_put_end(json);
}

/* 1: the tenant has it. */
static int has_hook(struct request *request, uint64_t tenant, const struct store_id *id, struct err *e)
{
	struct store_hook *hooks;
	size_t n = 0;

	if (store_hook_list(request->front->store, tenant, &request->arena, &hooks, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&hooks[i].id, id, sizeof(*id)))
			return 1;
	return 0;
}

void api_delivery_list(struct request *request)
{
	struct store_delivery *deliveries = NULL;
	struct json json = JSON_NONE;
	struct store_tenant tenant;
	struct err e = ERR_INIT;
	struct store_id hook;
	size_t limit, n = 0;
	int found;

	if (!take_ids(request, &tenant, &hook, NULL) || !request_query_limit(request, &limit))
		return;
	found = has_hook(request, tenant.id, &hook, &e);
	if (found == 1 && store_delivery_list(request->front->store, tenant.id, &hook, limit, &request->arena, &deliveries, &n, &e) < 0)
		found = -1;
	if (found < 0)
		request_broken(request, &e);
	else if (!found)
		request_fail(request, "not_found", NULL, "there is no such webhook");
	if (found != 1)
		return;
	json_put_object(&json, NULL);
	json_put_array(&json, "deliveries");
	for (size_t i = 0; i < n; i++)
		put_delivery(&json, &deliveries[i]);
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
