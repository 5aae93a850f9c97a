/* A stream that may break at every byte, made whole. */
#include "remote/follow.h"

#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "base/mem.h"
#include "remote/ending.h"
#include "remote/field.h"

#define PAUSE_MS     200
#define PAUSE_MAX_MS 5000
#define REST_US      5000000

struct following {
	struct service *service;
	const char *id;
	follow_event *take;
	void *at;
	struct str line;                /* what came of the next line */
	char last[EVENT_ID_MAX];        /* id of the last event; "" = none came */
	bool is_ended;                  /* the last state or `end` came */
	uint64_t heard_us;              /* when the last event came */
	struct err err;                 /* why a callback ended it */
};

static int take_line(struct following *following)
{
	OWN(event) event = EVENT_NONE;

	if (event_read(str_text(&following->line), following->line.len, &event, &following->err) < 0)
		return -1;
	following->heard_us = loop_now_us();
	if (following->take(following->at, &event, &following->err) < 0)
		return -1;
	if (*event.id)
		strcpy(following->last, event.id); /* event_read() bounds it */
	/* All output comes before the last state; behind that there is nothing that the job itself would not say. */
	following->is_ended |= event.kind == EVENT_END || (event.kind == EVENT_STATE && ending_is_final(event.state));
	return 0;
}

static int take_bytes(void *at, const char *bytes, size_t len)
{
	struct following *const following = at;

	while (len) {
		const char *const end = memchr(bytes, '\n', len);
		const size_t n = end ? (size_t)(end - bytes) : len;

		str_add_bytes(&following->line, bytes, n);
		if (following->line.cut)
			return err_set(&following->err, ERR_LIMIT, "the service sent an event of more than %zu bytes", EVENT_LINE_MAX);
		if (end && following->line.len && take_line(following) < 0)
			return -1;
		if (end)
			following->line.len = 0;
		bytes += end ? n + 1 : n;
		len -= end ? n + 1 : n;
	}
	return 0;
}

static int tick(void *at)
{
	struct following *const following = at;
	const struct service *const service = following->service;

	if (service->waits && service->waits(service->at, NULL) < 0)
		return err_set(&following->err, ERR_CONFLICT, "interrupted");
	/* Nobody has closed the connection, and nothing more can come. */
	return following->is_ended && loop_now_us() - following->heard_us > REST_US ? -1 : 0;
}

/* One connection. Returns 0 when it is over, for whatever reason that another one may mend. */
static int listen_once(struct following *following, struct err *e)
{
	OWN(http_answer) answer = HTTP_ANSWER_NONE;
	OWN(str) path = STR_NONE;
	struct err lost = ERR_INIT;

	str_addf(&path, "/v1/jobs/%s/events%s%s", following->id, *following->last ? "?after=" : "", following->last);
	const struct http_call call = {
		.method = "GET", .path = str_text(&path), .accept = "application/x-ndjson", .is_stream = true,
		.sink = take_bytes, .tick = tick, .at = following,
	};

	following->line.len = 0; /* half an event comes again as a whole */
	if (http_do(following->service->http, &call, &answer, &lost) < 0)
		return 0;
	if (answer.is_ended && following->err.kind != ERR_NONE) {
		*e = following->err;
		return -1;
	}
	/* 429, 503: there are too many streams now. */
	if (answer.status / 100 != 2 && answer.status != 429 && answer.status / 100 != 5)
		return service_refusal(&answer, e);
	return 0;
}

static int ask_job(struct service *service, const char *id, const char *query, json_t **out, struct err *e)
{
	OWN(str) path = STR_NONE;

	str_addf(&path, "/v1/jobs/%s%s", id, query);
	return service_ask(service, &(struct http_call){ .method = "GET", .path = str_text(&path) }, out, e);
}

static int pause_ms(struct following *following, unsigned ms, struct err *e)
{
	const struct service *const service = following->service;

	if (service->waits && service->waits(service->at, "the stream of events broke; asking again") < 0)
		return err_set(e, ERR_CONFLICT, "interrupted");
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
	return 0;
}

int follow_job(struct service *service, const char *id, follow_event *take, void *at, json_t **out, struct err *e)
{
	struct following following = {
		.service = service, .id = id, .take = take, .at = at, .heard_us = loop_now_us(), .line = { .max = EVENT_LINE_MAX },
	};
	unsigned pause = PAUSE_MS;
	int result;

	while ((result = listen_once(&following, e)) == 0 && !following.is_ended) {
		const uint64_t silent_ms = (loop_now_us() - following.heard_us) / 1000;

		if (silent_ms > service->patience_ms + 60000)
			result = err_set(e, ERR_SYSTEM, "no event of job %.40s can be had any more", id);
		else
			result = pause_ms(&following, pause, e);
		if (result < 0)
			break;
		pause = silent_ms > pause && pause * 2 <= PAUSE_MAX_MS ? pause * 2 : PAUSE_MS;
	}
	str_done(&following.line);
	return result < 0 ? -1 : ask_job(service, id, "", out, e);
}

int follow_end(struct service *service, const char *id, json_t **out, struct err *e)
{
	for (;;) {
		json_t *job;

		if (ask_job(service, id, "?wait=30s", &job, e) < 0)
			return -1;
		if (ending_is_final(field_text(job, "state"))) {
			*out = job;
			return 0;
		}
		json_decref(job);
	}
}
