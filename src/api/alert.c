/* Alerts and the signals they are made of. An operator sees all, a tenant its own. Every word of theirs is one of ours or
 * a number: what a job called itself or wrote is not among it. */
#include "api/alert.h"

#include <inttypes.h>
#include <string.h>

#include "api/cursor.h"
#include "api/digits.h"
#include "api/handlers.h"
#include "api/stream.h"
#include "api/tenant.h"
#include "model/syscalls.h"
#include "serve/detect.h"

#define DAY_MS UINT64_C(86400000)
#define ROWS 64         /* of the store at once */

static void put_members(struct json *json, struct front *front, const struct store_alert *alert, const char *level)
{
	char job[STORE_ID_TEXT];

	store_id_write(&alert->job, job);
	json_put_u64(json, "id", alert->id);
	tenant_put_name(json, front, alert->tenant);
	json_put_text(json, "job", job);
	json_put_text(json, level, detect_level_name((enum detect_level)alert->level));
	json_put_u64(json, "score", alert->score);
	json_put_text(json, "action", detect_action_name((enum detect_action)alert->action));
	json_put_text(json, "title", alert->title);
}

static void put_alert(struct json *json, struct front *front, const struct store_alert *alert)
{
	json_put_object(json, NULL);
	put_members(json, front, alert, "level");
	log_put_moment(json, "at", alert->at_ms);
	json_put_text(json, "state", alert->acked_ms ? "acknowledged" : "open");
	if (alert->acked_ms) {
		log_put_moment(json, "acknowledged_at", alert->acked_ms);
		json_put_text(json, "acknowledged_by", alert->acked_by);
	}
	json_put_raw(json, "evidence", alert->evidence.at, alert->evidence.len);
	json_put_end(json);
}

void alert_raised(void *at, const struct store_alert *alert)
{
	struct front *const front = at;
	struct json json = JSON_NONE;

	log_begin(&json, alert->id ? "warning" : "error", alert->id ? "alert" : "alert.lost");
	put_members(&json, front, alert, "severity");
	log_end(&front->log, &json);
	streams_wake(front, STREAM_ALERTS);
}

/* -- the list -- */

static bool refuse(struct request *request, const char *detail)
{
	request_fail(request, "invalid_parameter", NULL, "%s", detail);
	return false;
}

static bool take_filter(struct request *request, struct store_alert_filter *filter, struct sha256 *hash)
{
	const char *words = request_query(request, "level");
	const char *const state = request_query(request, "state");

	if (words)
		sha256_add(hash, words, strlen(words) + 1);
	sha256_add(hash, "", 1);
	if (state)
		sha256_add(hash, state, strlen(state) + 1);
	while (words && *words) {
		const size_t len = strcspn(words, ",");
		const enum detect_level level = detect_level_find(words, len);

		if (level == DETECT_NONE || level == DETECT_LEVELS)
			return refuse(request, "level must be one or more of low, high and critical, separated by commas");
		filter->levels |= 1u << level;
		words += len + (words[len] == ',');
	}
	filter->only_open = state && !strcmp(state, "open");
	filter->only_acked = state && !strcmp(state, "acknowledged");
	return !state || filter->only_open || filter->only_acked || refuse(request, "state must be open or acknowledged");
}

static void show(struct request *request, const struct store_alert *alerts, size_t n, uint64_t next, uint64_t tenant,
		 const struct digest *filter)
{
	const struct store_place place = { .created_ms = next };
	struct json json = JSON_NONE;
	char cursor[CURSOR_TEXT];

	json_put_object(&json, NULL);
	json_put_array(&json, "alerts");
	for (size_t i = 0; i < n; i++)
		put_alert(&json, request->front, &alerts[i]);
	json_put_end(&json);
	if (next) {
		cursor_write(request->front->cursor_key, tenant, filter, &place, cursor);
		json_put_text(&json, "next", cursor);
	}
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_alert_list(struct request *request)
{
	const char *const cursor = request_query(request, "cursor");
	struct store_alert_filter filter = { 0 };
	struct store_place before = { 0 };
	struct store_alert *alerts;
	struct err e = ERR_INIT;
	struct digest digest;
	struct sha256 hash;
	uint64_t tenant, next;
	size_t limit, n;

	sha256_init(&hash);
	sha256_add(&hash, "alerts", 7);
	if (!tenant_scope(request, &tenant) || !request_query_limit(request, &limit) || !take_filter(request, &filter, &hash))
		return;
	digest = sha256_end(&hash);
	if (cursor && !cursor_read(request->front->cursor_key, tenant, &digest, cursor, &before)) {
		request_fail(request, "invalid_cursor", NULL, "the cursor is not one of this list with these filters; begin without one");
		return;
	}
	if (store_alert_list(request->front->store, tenant, &filter, before.created_ms, limit, &request->arena, &alerts, &n, &next,
			     &e) < 0)
		request_broken(request, &e);
	else
		show(request, alerts, n, next, tenant, &digest);
}

/* -- acknowledged -- */

static bool take_id(const char *text, uint64_t *out)
{
	return digits_take(&text, out) && !*text && *out;
}

static void acked(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct json json = JSON_NONE;
	struct store_alert alert;
	struct err e = answer->err;

	if (e.kind == ERR_NONE && answer->outcome == STORE_MISSING) {
		request_fail(request, "not_found", NULL, "there is no such alert");
	} else if (e.kind != ERR_NONE ||
		   store_alert_get(request->front->store, 0, answer->items[0].number, &request->arena, &alert, &e) != 1) {
		request_broken(request, &e);
	} else {
		put_alert(&json, request->front, &alert);
		request_json(request, MHD_HTTP_OK, &json);
	}
}

void api_alert_ack(struct request *request)
{
	uint64_t tenant, id;

	if (!tenant_scope(request, &tenant))
		return;
	if (!take_id(request->parts[0], &id))
		request_fail(request, "not_found", NULL, "there is no such alert");
	else
		store_alert_ack(request->front->store, tenant, id, request->key.public, acked, request);
}

/* -- the stream -- */

struct place {
	uint64_t tenant, id;
	bool ends;                      /* behind the newest */
};

static void fill(struct stream *stream)
{
	struct front *const front = stream->request->front;
	struct place *const place = stream->own;
	OWN(arena) arena = { .total = 0 };
	struct store_alert *alerts;
	struct err e = ERR_INIT;
	size_t n;

	if (store_alert_after(front->store, place->tenant, place->id, ROWS, &arena, &alerts, &n, &e) < 0) {
		stream->is_over = true; /* who wants more asks again, from where it was */
		return;
	}
	stream->is_over = place->ends && n < ROWS;
	for (size_t i = 0; i < n; i++) {
		struct json json = JSON_NONE;

		put_alert(&json, front, &alerts[i]);
		stream_put_numbered(stream, alerts[i].id, "alert", &json);
		place->id = alerts[i].id;
	}
}

/* Who names no place hears what comes from now on. */
static bool find_newest(struct request *request, uint64_t tenant, uint64_t *id)
{
	const struct store_alert_filter any = { 0 };
	struct store_alert *alerts;
	struct err e = ERR_INIT;
	uint64_t next;
	size_t n;

	if (store_alert_list(request->front->store, tenant, &any, 0, 1, &request->arena, &alerts, &n, &next, &e) < 0) {
		request_broken(request, &e);
		return false;
	}
	*id = n ? alerts[0].id : 0;
	return true;
}

void api_alert_events(struct request *request)
{
	const char *const last = request_header_in(request, "Last-Event-ID"), *const after = request_query(request, "after");
	const char *text = last ? last : after;
	struct place *const place = arena_alloc(&request->arena, sizeof(*place));

	if (!tenant_scope(request, &place->tenant) || !request_query_bool(request, "replay", &place->ends))
		return;
	if (text && (!digits_take(&text, &place->id) || *text)) {
		request_fail(request, last ? "invalid_header" : "invalid_parameter", NULL, "that is no id of an alert");
		return;
	}
	if (text || find_newest(request, place->tenant, &place->id))
		(void)stream_open_on(request, STREAM_ALERTS, "text/event-stream", fill, stream_still_here, place);
}

/* -- signals and the day -- */

void api_signal_list(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_signal *signals;
	struct err e = ERR_INIT;
	uint64_t weights = 0;
	size_t n;

	if (!request_job(request, NULL))
		return;
	if (store_signal_list(request->front->store, request->tenant.id, &request->job, &request->arena, &signals, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_array(&json, "signals");
	for (size_t i = 0; i < n; i++) {
		weights += signals[i].weight;
		json_put_object(&json, NULL);
		json_put_text(&json, "kind", signals[i].kind);
		log_put_moment(&json, "at", signals[i].at_ms);
		json_put_u64(&json, "weight", signals[i].weight);
		json_put_u64(&json, "count", signals[i].n);
		json_put_raw(&json, "evidence", signals[i].evidence.at, signals[i].evidence.len);
		json_put_end(&json);
	}
	json_put_end(&json);
	json_put_u64(&json, "score", detect_score(weights));
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

static void put_calls(struct json *json, const struct store_security *day)
{
	json_put_array(json, "calls");
	for (size_t i = 0; i < day->n_calls; i++) {
		const char *const name = syscalls_name(day->calls[i].nr);

		json_put_object(json, NULL);
		json_put_u64(json, "nr", day->calls[i].nr);
		if (name)
			json_put_text(json, "call", name);
		json_put_u64(json, "count", day->calls[i].n);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_day(struct json *json, const struct store_security *day)
{
	json_put_object(json, "open");
	for (unsigned level = DETECT_LOW; level < DETECT_LEVELS; level++)
		json_put_u64(json, detect_level_name((enum detect_level)level), day->open[level]);
	json_put_end(json);
	json_put_array(json, "kinds");
	for (size_t i = 0; i < day->n_kinds; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "kind", day->kinds[i].name);
		json_put_u64(json, "jobs", day->kinds[i].n);
		json_put_u64(json, "count", day->kinds[i].sum);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_array(json, "tenants");
	for (size_t i = 0; i < day->n_tenants; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "tenant", day->tenants[i].name);
		json_put_u64(json, "score", day->tenants[i].score);
		json_put_u64(json, "signals", day->tenants[i].n);
		json_put_end(json);
	}
	json_put_end(json);
	put_calls(json, day);
}

void api_security_get(struct request *request)
{
	struct store_security *const day = arena_alloc(&request->arena, sizeof(*day));
	const uint64_t now = loop_wall_ms(), since = now > DAY_MS ? now - DAY_MS : 0;
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	uint64_t tenant;

	if (!tenant_scope(request, &tenant))
		return;
	if (store_security(request->front->store, tenant, since, &request->arena, day, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_text(&json, "scope", tenant ? "tenant" : "all");
	log_put_moment(&json, "since", since);
	put_day(&json, day);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
