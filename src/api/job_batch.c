/* POST /v1/jobs:batch: many documents, each taken or refused by itself, or all or none. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/job_create.h"
#include "api/job_show.h"
#include "serve/dispatch.h"
#include "serve/job_fields.h"
#include "serve/job_json.h"

#define BATCH_VALUES ((size_t)256 * STORE_BATCH_MAX)     /* of JSON, in all of an array */

struct item {
	struct job_fault fault;         /* code NULL: it went to the store */
	const char *key;
	size_t at;                      /* its place among those that went there */
};

struct batch {
	struct item *items;
	struct job_spec *specs;
	struct store_create *creates;
	size_t n, n_creates;
	bool is_atomic;
};

static void batch_free(void *at)
{
	struct batch *const batch = at;

	for (size_t i = 0; i < batch->n; i++)
		job_spec_done(&batch->specs[i]);
	free(batch->specs);
	free(batch->items);
	free(batch->creates);
	free(batch);
}

struct request_part {
	struct request *request;
	struct item *item;
	json_t *job;            /* borrowed */
};

static int read_key(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct request_part *const part = into;

	if (fields_text(r, at, value, 1, 128, &part->item->key) < 0)
		return -1;
	for (const char *c = part->item->key; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return fields_fault(r, at, "invalid_value", "must be printable ASCII without blanks");
	return 0;
}

static int read_job(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	(void)r;
	(void)at;
	((struct request_part *)into)->job = value;
	return 0;
}

/* One item: {"job": DOCUMENT, "key": TEXT}. */
static void take_item(struct request *request, struct batch *batch, json_t *value)
{
	static const struct field fields[] = { { "job", read_job }, { "key", read_key } };
	struct item *const item = &batch->items[batch->n];
	struct request_part part = { request, item, NULL };
	struct reading r = { &request->arena, &item->fault };
	const struct pointer whole = { .up = NULL };
	struct job_spec *const spec = &batch->specs[batch->n++];
	OWN(str) text = STR_NONE;

	if (fields_read(&r, &whole, value, fields, ARRAY_SIZE(fields), &part) < 0)
		return;
	if (!part.job) {
		fields_fault(&r, &whole, "invalid_value", "job is missing");
		return;
	}
	if (!json_is_object(part.job)) {
		fields_fault(&r, &whole, "invalid_value", "job must be an object");
		return;
	}
	job_json_write(part.job, &text);
	item->at = batch->n_creates;
	if (job_prepare(request, str_text(&text), text.len, item->key, spec, &batch->creates[batch->n_creates], &item->fault) == 0) {
		item->fault.code = NULL;
		batch->n_creates++;
	}
}

/* A line that is no JSON is an item that is refused: the others do not depend on it. */
static void take_line(struct request *request, struct batch *batch, const char *line, size_t len)
{
	struct item *const item = &batch->items[batch->n];
	struct reading r = { &request->arena, &item->fault };
	json_t *const value = fields_parse(&r, line, len, JOB_VALUES);

	if (value)
		take_item(request, batch, value);
	else
		batch->n++;
	json_decref(value);
}

/* Returns false when it answered. */
static bool take_lines(struct request *request, struct batch *batch)
{
	const char *line = str_text(&request->body), *const end = line + request->body.len;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		stop = stop ? stop : end;
		if (line + strspn(line, " \t\r") < stop) {
			if (batch->n == STORE_BATCH_MAX) {
				request_fail(request, "payload_too_large", NULL, "a batch has at most %d items", STORE_BATCH_MAX);
				return false;
			}
			take_line(request, batch, line, (size_t)(stop - line));
		}
		line = stop + (stop < end);
	}
	return true;
}

static bool take_array(struct request *request, struct batch *batch)
{
	struct job_fault fault;
	struct reading r = { &request->arena, &fault };
	json_t *const root = fields_parse(&r, str_text(&request->body), request->body.len, BATCH_VALUES), *value;
	const size_t n = json_array_size(root);
	size_t i;

	if (!root)
		request_fail(request, fault.code, fault.field, "%s", fault.detail);
	else if (n > STORE_BATCH_MAX)
		request_fail(request, "payload_too_large", NULL, "a batch has at most %d items", STORE_BATCH_MAX);
	else
		json_array_foreach (root, i, value)
			take_item(request, batch, value);
	json_decref(root);
	return !request->answer;
}

/* -- answers -- */

static void put_fault(struct json *json, const char *code, const char *field, const char *detail)
{
	const struct problem problem = problem_find(code);

	json_put_u64(json, "status", problem.status);
	problem_put(json, "problem", &problem, detail, field, NULL);
}

static void put_item(struct json *json, const struct item *item, const struct store_item *made)
{
	char id[STORE_ID_TEXT];

	json_put_object(json, NULL);
	if (item->fault.code)
		put_fault(json, item->fault.code, item->fault.field, item->fault.detail);
	else if (made && (made->outcome == STORE_DONE || made->outcome == STORE_REPLAYED)) {
		store_id_write(&made->id, id);
		json_put_u64(json, "status", made->outcome == STORE_DONE ? 201 : 200);
		json_put_text(json, "id", id);
		json_put_text(json, "state", job_state_name(made->state));
	} else {
		const char *const code = made->outcome == STORE_MISSING ? "blob_missing" : job_refusal(made->outcome);

		put_fault(json, code ? code : "internal", NULL, store_outcome_name(made->outcome));
	}
	json_put_end(json);
}

static void show(struct request *request, const struct batch *batch, const struct store_item *made)
{
	struct json json = { .out = { .max = 4 << 20 } };
	uint64_t accepted = 0;

	for (size_t i = 0; i < batch->n_creates; i++)
		accepted += made[i].outcome == STORE_DONE || made[i].outcome == STORE_REPLAYED;
	json_put_object(&json, NULL);
	json_put_u64(&json, "accepted", accepted);
	json_put_array(&json, "items");
	for (size_t i = 0; i < batch->n; i++)
		put_item(&json, &batch->items[i], batch->items[i].fault.code ? NULL : &made[batch->items[i].at]);
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
	if (accepted)
		dispatch_wake(request->front->dispatch);
}

static void created(void *at, const struct store_answer *answer)
{
	struct request *const request = at;

	if (answer->err.kind != ERR_NONE)
		request_broken(request, &answer->err);
	else
		show(request, request->own, answer->items);
}

/* All or none: the first fault refuses the whole, with its place in it. */
static bool refuse_whole(struct request *request, const struct batch *batch)
{
	for (size_t i = 0; batch->is_atomic && i < batch->n; i++) {
		const struct job_fault *const fault = &batch->items[i].fault;

		if (!fault->code)
			continue;
		request_fail(request, fault->code, arena_printf(&request->arena, "/%zu%s", i, fault->field), "item %zu: %s", i, fault->detail);
		return true;
	}
	return false;
}

void api_job_batch(struct request *request)
{
	struct batch *const batch = mem_alloc(sizeof(*batch));
	const char *const body = str_text(&request->body);
	const bool is_array = body[strspn(body, " \t\r\n")] == '[';

	batch->items = mem_alloc(STORE_BATCH_MAX * sizeof(*batch->items));
	batch->specs = mem_alloc(STORE_BATCH_MAX * sizeof(*batch->specs));
	batch->creates = mem_alloc(STORE_BATCH_MAX * sizeof(*batch->creates));
	request->own = batch;
	request->drop = batch_free;
	if (!request_query_bool(request, "atomic", &batch->is_atomic))
		return;
	if (!(is_array ? take_array(request, batch) : take_lines(request, batch)) || refuse_whole(request, batch))
		return;
	str_done(&request->body);
	if (!batch->n)
		request_fail(request, "invalid_json", "", "the batch is empty: an array, or a line each, of {\"job\": ..., \"key\": ...}");
	else if (!batch->n_creates)
		show(request, batch, NULL);
	else
		store_job_create_batch(request->front->store, batch->creates, batch->n_creates, batch->is_atomic, created, request);
}
