/* What is scraped. Labels are words of our own tables; what belongs to a tenant is asked for at /v1/usage. */
#include "api/metrics.h"

#include <string.h>

#include "api/metrics_text.h"
#include "api/route.h"
#include "serve/dispatch.h"
#include "store/store_hook.h"

#define NO_LABELS NULL
#define LEDGER_US 5000000       /* it counts the jobs that live one by one: not more often than that */

static void put_one(struct str *out, const char *name, const char *type, const char *help, uint64_t n)
{
	metrics_family(out, name, type, help);
	metrics_number(out, name, NO_LABELS, n);
}

static void put_build(struct front *front, struct str *out)
{
	const struct metrics_label version[METRICS_LABELS] = { { "version", WARD_VERSION } };

	metrics_family(out, "ward_build_info", "gauge", "What runs here");
	metrics_number(out, "ward_build_info", version, 1);
	put_one(out, "process_start_time_seconds", "gauge", "When the front began, since 1970", front->began_ms / 1000);
}

/* -- from the rows: a restart does not change them -- */

static int put_ledger(struct front *front, struct str *out, struct err *e)
{
	const uint64_t now = loop_now_us();
	struct store_ledger *const ledger = &front->ledger;

	if (!front->ledger_us || now - front->ledger_us > LEDGER_US) {
		if (store_ledger_get(front->store, ledger, e) < 0)
			return -1;
		front->ledger_us = now;
	}
	put_one(out, "ward_jobs_accepted_total", "counter", "Jobs ever accepted, by the store", ledger->accepted);
	put_one(out, "ward_jobs_live", "gauge", "Jobs that have not ended, counted one by one", ledger->live);
	metrics_family(out, "ward_jobs_lost", "gauge", "Accepted less ended less live: anything but 0 is a job that was lost or told twice");
	metrics_signed(out, "ward_jobs_lost", (int64_t)(ledger->accepted - ledger->ended - ledger->live));
	return 0;
}

static int put_usage(struct front *front, struct str *out, struct err *e)
{
	struct store_usage usage = { 0 };

	if (store_usage_get(front->store, 0, &usage, e) < 0)
		return -1;
	metrics_family(out, "ward_jobs_ended_total", "counter", "Jobs ever ended, by the store");
	for (unsigned state = 0; state < JOB_STATES; state++) {
		const struct metrics_label label[METRICS_LABELS] = { { "state", job_state_name((enum job_state)state) } };

		if (job_state_is_final((enum job_state)state))
			metrics_number(out, "ward_jobs_ended_total", label, usage.ended[state]);
	}
	put_one(out, "ward_queue_depth", "gauge", "Jobs that wait", usage.queued);
	put_one(out, "ward_jobs_running", "gauge", "Jobs that somebody holds a lease on", usage.running);
	metrics_family(out, "ward_queue_oldest_seconds", "gauge", "How long the job waits that waits longest");
	metrics_micro(out, "ward_queue_oldest_seconds", NO_LABELS, store_queue_oldest_ms(front->store, 0) * 1000);
	return 0;
}

static int put_hooks(struct front *front, struct str *out, struct err *e)
{
	struct store_hook_figures figures;

	if (store_hook_figures(front->store, &figures, e) < 0)
		return -1;
	put_one(out, "ward_webhook_pending", "gauge", "Deliveries that nobody has taken yet", figures.pending);
	put_one(out, "ward_webhook_dropped", "gauge", "Deliveries that were not kept, because a webhook had too many", figures.dropped);
	metrics_family(out, "ward_webhook_oldest_seconds", "gauge", "How long the delivery waits that waits longest");
	metrics_micro(out, "ward_webhook_oldest_seconds", NO_LABELS, figures.oldest_ms * 1000);
	return 0;
}

static void put_store(struct front *front, struct str *out)
{
	const struct store_figures figures = store_figures(front->store);

	metrics_family(out, "ward_db_commit_seconds", "histogram", "Transactions of the store, from their begin to the disk");
	metrics_hist(out, "ward_db_commit_seconds", NO_LABELS, &figures.commit);
	put_one(out, "ward_db_operations_total", "counter", "Writes that were asked for; by transactions: how many share one", figures.operations);
}

/* -- since the process began -- */

/* "python/container" */
static void split_class(const char *class, char runtime[STORE_NAME_MAX + 1], const char **boundary)
{
	const char *const slash = strchr(class, '/');
	const size_t len = slash ? (size_t)(slash - class) : strlen(class);

	memcpy(runtime, class, len);
	runtime[len] = '\0';
	*boundary = slash ? slash + 1 : "";
}

static void put_ends(const struct stats *stats, struct str *out)
{
	metrics_family(out, "ward_jobs_total", "counter", "Jobs that ended, since the process began");
	for (size_t i = 0; i < stats->ends.n; i++) {
		const struct stat_row *const row = &stats->ends.rows[i];
		char runtime[STORE_NAME_MAX + 1];
		struct metrics_label labels[METRICS_LABELS] = {
			{ "state", job_state_name((enum job_state)row->b) }, { "reason", job_reason_name((enum job_reason)row->c) },
			{ "runtime", runtime }, { "boundary", "" },
		};

		split_class(stats->classes[row->a], runtime, &labels[3].value);
		metrics_number(out, "ward_jobs_total", labels, row->n);
	}
}

static void put_counters(const struct stats *stats, struct str *out)
{
#define STAT(id, name, help) put_one(out, name, "counter", help, stats->counters[STAT_##id]);
#include "serve/stat.def"
#undef STAT
}

static void put_hists(const struct stats *stats, struct str *out)
{
	static const struct {
		const char *name, *label, *value, *help;
	} rows[] = {
#define STAT_HIST(id, name, label, value, help) { name, label, value, help },
#include "serve/stat_hist.def"
#undef STAT_HIST
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct metrics_label label[METRICS_LABELS] = { { *rows[i].label ? rows[i].label : NULL, rows[i].value } };

		if (!i || strcmp(rows[i - 1].name, rows[i].name))
			metrics_family(out, rows[i].name, "histogram", rows[i].help);
		metrics_hist(out, rows[i].name, label, &stats->hists[i]);
	}
}

/* -- boxes -- */

static void put_slots(const struct dispatch *dispatch, struct str *out, const char *name, bool is_breaker)
{
	const struct order_class *class;

	for (size_t i = 0; (class = dispatch_class(dispatch, i)); i++) {
		static const char *const states[] = { "parked", "building", "running" };
		struct metrics_label labels[METRICS_LABELS] = { { "runtime", class->runtime }, { "boundary", class->boundary } };
		struct dispatch_figures pool;
		const bool is_first = dispatch_pool(dispatch, i, &pool);
		const uint32_t numbers[ARRAY_SIZE(states)] = { pool.parked, pool.building, pool.running };

		if (is_first && is_breaker)
			metrics_number(out, name, labels, pool.breakers_open);
		for (size_t k = 0; is_first && !is_breaker && k < ARRAY_SIZE(states); k++) {
			labels[2] = (struct metrics_label){ "state", states[k] };
			metrics_number(out, name, labels, numbers[k]);
		}
	}
}

static void put_boxes(const struct dispatch *dispatch, struct str *out)
{
	struct dispatch_figures all;

	dispatch_figures(dispatch, &all);
	put_one(out, "ward_boxes_live", "gauge", "Boxes of which anything is left", all.live);
	metrics_family(out, "ward_pool_slots", "gauge", "Boxes of a pool; runtimes that share one are counted at the first of them");
	put_slots(dispatch, out, "ward_pool_slots", false);
	metrics_family(out, "ward_pool_breaker", "gauge", "1: three builds failed in a row, and the pool rests");
	put_slots(dispatch, out, "ward_pool_breaker", true);
}

/* -- HTTP -- */

static void put_answers(const struct stats *stats, struct str *out)
{
	metrics_family(out, "ward_http_requests_total", "counter", "Requests by route and status; 499: the client went first");
	for (size_t i = 0; i < stats->answers.n; i++) {
		const struct route *const route = route_at(stats->answers.rows[i].a);
		OWN(str) code = STR_NONE;

		str_addf(&code, "%u", stats->answers.rows[i].b);
		const struct metrics_label labels[METRICS_LABELS] = {
			{ "method", route ? route_method_name(route->method) : "" }, { "route", route ? route->path : "" },
			{ "code", str_text(&code) },
		};
		metrics_number(out, "ward_http_requests_total", labels, stats->answers.rows[i].n);
	}
}

int metrics_show(struct front *front, struct str *out, struct err *e)
{
	put_build(front, out);
	if (put_ledger(front, out, e) < 0 || put_usage(front, out, e) < 0 || put_hooks(front, out, e) < 0)
		return -1;
	put_store(front, out);
	put_ends(&front->stats, out);
	put_counters(&front->stats, out);
	put_hists(&front->stats, out);
	put_boxes(front->dispatch, out);
	put_answers(&front->stats, out);
	put_one(out, "ward_auth_failures_total", "counter", "Requests whose key opened nothing", front->refused_keys);
	put_one(out, "ward_sse_clients", "gauge", "Streams that are open", front->n_streams);
	return 0;
}
