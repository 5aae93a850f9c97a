/* What happens to jobs is counted as it happens; how many wait and run is asked of the store, whose rows are right
 * whatever became of the process before. A tenant sees its own figures, and nothing from which the others' follow. */
#include "api/overview.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "api/stream.h"
#include "api/tenant.h"
#include "serve/dispatch.h"

/* -- the clock -- */

static void take_point(struct front *front, struct history *history, uint32_t boxes, uint64_t now_us)
{
	struct err ignored = ERR_INIT;
	struct store_usage usage;

	if (store_usage_get(front->store, history->tenant, &usage, &ignored) == 1) {
		history->now.running = (uint32_t)usage.running;
		history->now.queued = (uint32_t)usage.queued;
	}
	history->now.boxes = boxes;
	history_turn(history, now_us, loop_wall_ms());
}

static void on_step(void *at)
{
	struct front *const front = at;
	const uint64_t now_us = loop_now_us();
	struct dispatch_figures figures;

	dispatch_figures(front->dispatch, &figures);
	take_point(front, &front->stats.all, figures.live, now_us);
	for (size_t i = 0; i < STATS_TENANTS; i++)
		if (front->stats.tenants[i])
			take_point(front, front->stats.tenants[i], 0, now_us);
	streams_wake(front, STREAM_OVERVIEW);
	loop_set_alarm(&front->loop, front->overview_alarm, now_us + HISTORY_STEP_US);
}

void overview_begin(struct front *front)
{
	front->overview_alarm = loop_add_alarm(&front->loop, on_step, front);
	loop_set_alarm(&front->loop, front->overview_alarm, loop_now_us() + HISTORY_STEP_US);
}

/* -- now -- */

static void put_fraction(struct json *json, const char *key, uint64_t milli)
{
	char text[32];

	json_put_raw(json, key, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64 ".%03u", milli / 1000, (unsigned)(milli % 1000)));
}

static void put_boxes(struct json *json, const struct front *front)
{
	struct dispatch_figures figures;

	dispatch_figures(front->dispatch, &figures);
	json_put_object(json, "boxes");
	json_put_u64(json, "live", figures.live);
	json_put_u64(json, "running", figures.running);
	json_put_u64(json, "parked", figures.parked);
	json_put_u64(json, "building", figures.building);
	json_put_u64(json, "breakers_open", figures.breakers_open);
	json_put_end(json);
}

static uint64_t count_open(struct front *front, uint64_t tenant)
{
	uint64_t by_level[STORE_ALERT_LEVELS], n = 0;
	struct err ignored = ERR_INIT;

	if (store_alerts_open(front->store, tenant, by_level, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < STORE_ALERT_LEVELS; i++)
		n += by_level[i];
	return n;
}

static void put_now(struct json *json, struct front *front, const struct history *history, const struct store_usage *usage)
{
	const struct hist starts = history_starts(history);

	json_put_object(json, "now");
	log_put_moment(json, "at", loop_wall_ms());
	json_put_u64(json, "running", usage->running);
	json_put_u64(json, "queued", usage->queued);
	put_fraction(json, "oldest_s", store_queue_oldest_ms(front->store, history->tenant));
	put_fraction(json, "jobs_per_s", history_rate_milli(history));
	json_put_u64(json, "starts_warm", history->warm);
	json_put_u64(json, "starts_cold", history->cold);
	json_put_u64(json, "start_p50_us", hist_quantile(&starts, 500));
	json_put_u64(json, "start_p99_us", hist_quantile(&starts, 990));
	json_put_u64(json, "denials", history->denials);
	json_put_u64(json, "alerts_open", count_open(front, history->tenant));
	if (!history->tenant)
		put_boxes(json, front);
	json_put_end(json);
}

/* Since the store was made: a restart does not reset these. */
static void put_totals(struct json *json, const struct store_usage *usage)
{
	json_put_object(json, "totals");
	json_put_u64(json, "accepted", usage->created);
	for (unsigned state = 0; state < JOB_STATES; state++)
		if (job_state_is_final((enum job_state)state))
			json_put_u64(json, job_state_name((enum job_state)state), usage->ended[state]);
	json_put_u64(json, "cpu_us", usage->cpu_us);
	json_put_end(json);
}

/* -- the last minutes: a column a figure, as charts want them -- */

#define FIELD(field, is_sum) \
	static void put_column_##field(struct json *json, const struct history *history) \
	{ \
		const struct history_point *point; \
	\
		json_put_array(json, #field); \
		for (size_t i = 0; (point = history_at(history, i)); i++) \
			json_put_u64(json, NULL, point->field); \
		json_put_end(json); \
	}
HISTORY_FIELDS(FIELD)
#undef FIELD

static void put_history(struct json *json, const struct history *history)
{
	const struct history_point *point;

	json_put_object(json, "history");
	json_put_u64(json, "step_s", HISTORY_STEP_US / 1000000);
	json_put_array(json, "t_ms");
	for (size_t i = 0; (point = history_at(history, i)); i++)
		json_put_u64(json, NULL, point->wall_ms);
	json_put_end(json);
#define FIELD(field, is_sum) put_column_##field(json, history);
	HISTORY_FIELDS(FIELD)
#undef FIELD
	json_put_end(json);
}

static void put_point(struct json *json, const struct history_point *point)
{
	json_put_object(json, "point");
	json_put_u64(json, "t_ms", point->wall_ms);
#define FIELD(field, is_sum) json_put_u64(json, #field, point->field);
	HISTORY_FIELDS(FIELD)
#undef FIELD
	json_put_end(json);
}

static bool put_all(struct json *json, struct front *front, uint64_t tenant, bool with_history, struct err *e)
{
	const struct history *const history = stats_history(&front->stats, tenant, loop_now_us());
	struct store_usage usage;

	if (store_usage_get(front->store, tenant, &usage, e) != 1)
		return false;
	json_put_object(json, NULL);
	json_put_text(json, "scope", tenant ? "tenant" : "all");
	put_now(json, front, history, &usage);
	put_totals(json, &usage);
	if (with_history)
		put_history(json, history);
	else if (history->n)
		put_point(json, history_at(history, (history->n < HISTORY_POINTS ? (size_t)history->n : HISTORY_POINTS) - 1));
	json_put_end(json);
	return true;
}

void api_overview_get(struct request *request)
{
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	uint64_t tenant;

	if (!tenant_scope(request, &tenant))
		return;
	if (put_all(&json, request->front, tenant, true, &e)) {
		request_json(request, MHD_HTTP_OK, &json);
		return;
	}
	json_done(&json);
	request_broken(request, &e);
}

/* -- as they come -- */

struct figures {
	uint64_t tenant, left;          /* points that are wanted; 0: without end */
	uint64_t number;                /* of the last one that was told */
};

static void fill(struct stream *stream)
{
	struct front *const front = stream->request->front;
	struct figures *const figures = stream->own;
	const struct history *const history = stats_history(&front->stats, figures->tenant, loop_now_us());
	OWN(json) json = JSON_NONE;
	struct err e = ERR_INIT;

	if (history->n == figures->number)
		return;
	figures->number = history->n;
	if (!put_all(&json, front, figures->tenant, false, &e)) {
		stream->is_over = true;
		return;
	}
	stream_put_numbered(stream, history->n, "point", &json);
	stream->is_over = figures->left && !--figures->left;
}

void api_overview_events(struct request *request)
{
	struct figures *const figures = arena_alloc(&request->arena, sizeof(*figures));

	if (request_query_number(request, "points", &figures->left) && tenant_scope(request, &figures->tenant))
		(void)stream_open_on(request, STREAM_OVERVIEW, "text/event-stream", fill, NULL, figures);
}
