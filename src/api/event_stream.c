/* GET /v1/jobs/{id}/events: what happens to a job, in order, as server-sent events or as lines of JSON. `end` is the last
 * one and comes after the result was committed: who has not seen it does not know, and asks GET. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/event_id.h"
#include "api/handlers.h"
#include "api/mixed.h"
#include "api/stream.h"
#include "serve/base64.h"
#include "serve/dispatch.h"
#include "serve/series.h"

#define ROWS 64         /* of the store at once */

struct events {
	struct event_id at;
	struct mixed mixed;
	bool is_lines;          /* NDJSON */
};

static void put_event(struct stream *stream, const char *kind, const char *data, size_t len)
{
	const struct events *const events = stream->own;
	char id[EVENT_ID_TEXT];

	event_id_write(&events->at, id);
	if (!events->is_lines) {
		stream_put(stream, id, kind, data, len);
		return;
	}
	str_addf(&stream->pending, "{\"id\":\"%s\",\"event\":\"%s\",\"data\":", id, kind);
	str_add_bytes(&stream->pending, data, len);
	str_add(&stream->pending, "}\n");
}

static void put_json(struct stream *stream, const char *kind, struct json *json)
{
	json_put_end(json);
	put_event(stream, kind, json_written(json), json->out.len);
	json_done(json);
}

/* -- output -- */

/* Bytes that are whole characters, or -1 when the text is none. At the end of what there is a sequence may be cut. */
static ssize_t text_len(const char *bytes, size_t n, bool is_all)
{
	size_t i = 0;

	while (i < n) {
		const size_t step = str_utf8(bytes + i, n - i);

		if (!step)
			break;
		i += step;
	}
	if (i == n)
		return (ssize_t)n;
	return n - i < 4 && !is_all && ((unsigned char)bytes[i] & 0xc0) == 0xc0 ? (ssize_t)i : -1;
}

/* What comes next of either stream, in the order in which it was written. Returns how much was put. */
static size_t put_output(struct stream *stream, bool is_final)
{
	struct events *const events = stream->own;
	char bytes[STREAM_PIECE / 4], coded[BASE64_LEN(sizeof(bytes)) + 1];
	unsigned which;
	bool is_whole;
	const size_t n = mixed_peek(&events->mixed, &stream->tail, bytes, sizeof(bytes), &which, &is_whole);
	uint64_t *const offset = &events->mixed.offsets[which];
	struct json json = JSON_NONE;
	ssize_t text;

	if (!n)
		return 0;
	text = text_len(bytes, n, is_whole || (is_final && n < sizeof(bytes)));
	if (!text)
		return 0; /* the rest of a character is not there yet */
	json_put_object(&json, NULL);
	json_put_u64(&json, "offset", *offset);
	json_put_text(&json, "encoding", text < 0 ? "base64" : "utf8");
	if (text < 0) {
		base64_write(bytes, n, coded);
		json_put_text(&json, "data", coded);
		text = (ssize_t)n;
	} else {
		json_put_bytes(&json, "data", bytes, (size_t)text);
	}
	*offset += (uint64_t)text;
	events->at.out = events->mixed.offsets[TAIL_OUT];
	events->at.err = events->mixed.offsets[TAIL_ERR];
	put_json(stream, which == TAIL_OUT ? "stdout" : "stderr", &json);
	return (size_t)text;
}

/* -- what it uses -- */

/* Only while it runs: later the result has them, and they are no more than were kept. */
static void put_usage(struct stream *stream)
{
	struct events *const events = stream->own;
	const struct series *const series = dispatch_usage(stream->request->front->dispatch, &stream->tail.job);

	for (size_t i = 0; series && i < series->n; i++) {
		struct json json = JSON_NONE;

		if (series->points[i].t_ms <= events->at.used)
			continue;
		events->at.used = series->points[i].t_ms;
		series_put_point(&json, NULL, series, i);
		put_event(stream, "usage", json_written(&json), json.out.len);
		json_done(&json);
	}
}

/* -- states -- */

static void put_state(struct stream *stream, const struct store_event *event)
{
	struct events *const events = stream->own;
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_u64(&json, "seq", event->seq);
	log_put_moment(&json, "at", event->at_ms);
	if (!strcmp(event->kind, "state"))
		json_put_text(&json, "state", job_state_name(event->state));
	/* It begins anew, and its samples with it. */
	if (!strcmp(event->kind, "state") && event->state == JOB_QUEUED)
		events->at.used = 0;
	if (event->document.len)
		json_put_raw(&json, "details", event->document.at, event->document.len);
	put_json(stream, event->kind, &json);
}

static void put_gap(struct stream *stream, unsigned which, uint64_t written)
{
	const uint64_t kept = tail_size(&stream->tail, which);
	struct json json = JSON_NONE;

	if (written <= kept)
		return;
	json_put_object(&json, NULL);
	json_put_text(&json, "stream", which == TAIL_OUT ? "stdout" : "stderr");
	json_put_u64(&json, "from", kept);
	json_put_u64(&json, "to", written);
	put_json(stream, "gap", &json);
}

/* The row was read from what is committed: only now may anybody be told that this is the end. */
static void put_end(struct stream *stream, struct arena *arena)
{
	struct request *const request = stream->request;
	struct store *const store = request->front->store;
	struct json json = JSON_NONE;
	struct store_job job;
	struct store_result result;
	struct err e = ERR_INIT;
	char digest[SHA256_TEXT];
	int has_result;

	stream->is_over = true;
	if (store_job_get(store, request->tenant.id, &stream->tail.job, arena, &job, &e) != 1 || !job_state_is_final(job.state))
		return;
	has_result = store_result_get(store, request->tenant.id, &stream->tail.job, arena, &result, &e);
	if (has_result < 0)
		return;
	if (has_result) {
		put_gap(stream, TAIL_OUT, result.finish.out_bytes);
		put_gap(stream, TAIL_ERR, result.finish.err_bytes);
	}
	json_put_object(&json, NULL);
	json_put_text(&json, "state", job_state_name(job.state));
	if (*job_reason_name(job.reason))
		json_put_text(&json, "reason", job_reason_name(job.reason));
	json_put_u64(&json, "version", job.version);
	if (has_result) {
		digest_write(&result.digest, digest);
		json_put_text(&json, "result_hash", digest);
	}
	put_json(stream, "end", &json);
}

static void fill(struct stream *stream)
{
	struct request *const request = stream->request;
	struct events *const events = stream->own;
	OWN(arena) arena = { .total = 0 };
	struct store_event *rows;
	struct err e = ERR_INIT;
	struct store_job job;
	bool is_final = false;
	size_t n = 0, i = 0;

	if (store_event_list(request->front->store, request->tenant.id, &stream->tail.job, events->at.seq, ROWS, &arena, &rows, &n,
			     &e) < 0) {
		stream->is_over = true; /* without `end`: the client asks again */
		return;
	}
	/* Output comes before the state that ends the job. */
	for (; i < n && !is_final; i++) {
		is_final = !strcmp(rows[i].kind, "state") && job_state_is_final(rows[i].state);
		if (is_final)
			break;
		events->at.seq = rows[i].seq;
		put_state(stream, &rows[i]);
	}
	put_usage(stream);
	/* Who resumes behind the last state has only the end to come. */
	if (!n)
		is_final = store_job_get(request->front->store, request->tenant.id, &stream->tail.job, &arena, &job, &e) == 1 &&
			   job_state_is_final(job.state) && events->at.seq >= job.last_seq;
	if (put_output(stream, is_final) || !is_final)
		return;
	if (n) {
		events->at.seq = rows[i].seq;
		put_state(stream, &rows[i]);
	}
	put_end(stream, &arena);
}

static void beat(struct stream *stream)
{
	const struct events *const events = stream->own;

	if (events->is_lines)
		str_add(&stream->pending, "{\"event\":\"heartbeat\"}\n");
	else
		stream_still_here(stream);
}

/* -- what was asked for -- */

static bool take_start(struct request *request, struct event_id *out)
{
	const char *const last = request_header_in(request, "Last-Event-ID"), *const after = request_query(request, "after");
	const char *const text = last ? last : after;

	if (!text || event_id_read(text, out))
		return true;
	request_fail(request, last ? "invalid_header" : "invalid_parameter", NULL, "that is no id of an event of ours, as in 3.120.0");
	return false;
}

void api_event_stream(struct request *request)
{
	struct events *const events = arena_alloc(&request->arena, sizeof(*events));
	const bool wants_events = !request_header_in(request, "Accept") || request_accepts(request, "text/event-stream") ||
				  request_accepts(request, "*/*") || request_accepts(request, "text/*");
	const bool wants_lines = request_accepts(request, "application/x-ndjson");

	if (!wants_events && !wants_lines) {
		request_fail(request, "not_acceptable", NULL, "events are text/event-stream or application/x-ndjson");
		return;
	}
	events->is_lines = wants_lines;
	if (!take_start(request, &events->at))
		return;
	events->mixed = (struct mixed){ .offsets = { events->at.out, events->at.err } };
	if (request_job(request, NULL))
		stream_open(request, wants_lines ? "application/x-ndjson" : "text/event-stream", fill, beat, events);
}
