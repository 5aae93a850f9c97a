/* One way of writing a job, for every answer that holds one. What a guest had a hand in (names, the result's texts) is
 * escaped by the writer; the result itself is a document of the dispatcher's. */
#include "api/job_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/tenant.h"

static int put_labels(struct request *request, struct json *json, const struct store_job *job, struct err *e)
{
	struct store_label *labels;
	size_t n = 0;

	if (store_job_labels(request->front->store, job->tenant, &job->id, &request->arena, &labels, &n, e) < 0)
		return -1;
	json_put_object(json, "labels");
	for (size_t i = 0; i < n; i++)
		json_put_text(json, labels[i].name, labels[i].value);
	json_put_end(json);
	return 0;
}

/* Of a fault of ours the last attempt knows more than the result. */
static int put_why(struct request *request, struct json *json, const struct store_job *job, struct err *e)
{
	struct store_attempt *attempts;
	size_t n = 0;

	if (job->state != JOB_INFRA_FAILED)
		return 0;
	if (store_attempt_list(request->front->store, job->tenant, &job->id, &request->arena, &attempts, &n, e) < 0)
		return -1;
	if (n && attempts[n - 1].why && *attempts[n - 1].why)
		json_put_text(json, "why", attempts[n - 1].why);
	return 0;
}

static int put_result(struct request *request, struct json *json, const struct store_job *job, struct err *e)
{
	struct store_result result;
	char digest[SHA256_TEXT];
	const int found = job_state_is_final(job->state) ?
		store_result_get(request->front->store, job->tenant, &job->id, &request->arena, &result, e) : 0;

	if (found < 0)
		return -1;
	if (!found)
		return 0;
	json_put_object(json, "result");
	if (result.finish.exit_code >= 0)
		json_put_i64(json, "exit_code", result.finish.exit_code);
	if (result.finish.signal)
		json_put_i64(json, "signal", result.finish.signal);
	json_put_u64(json, "cpu_us", result.finish.cpu_us);
	json_put_u64(json, "wall_us", result.finish.wall_us);
	json_put_u64(json, "stdout_bytes", result.finish.out_bytes);
	json_put_u64(json, "stderr_bytes", result.finish.err_bytes);
	json_put_u64(json, "attempt", result.attempt);
	digest_write(&result.digest, digest);
	json_put_text(json, "result_hash", digest);
	if (result.finish.document.len)
		json_put_raw(json, "details", result.finish.document.at, result.finish.document.len);
	json_put_end(json);
	return 0;
}

int job_show_put(struct request *request, struct json *json, const char *key, const struct store_job *job, bool with_result,
		 struct err *e)
{
	char id[STORE_ID_TEXT];

	store_id_write(&job->id, id);
	json_put_object(json, key);
	json_put_text(json, "id", id);
	if (request->key.scopes & STORE_ADMIN_OPERATOR)
		tenant_put_name(json, request->front, job->tenant);
	json_put_text(json, "name", job->name ? job->name : "");
	json_put_text(json, "state", job_state_name(job->state));
	if (*job_reason_name(job->reason))
		json_put_text(json, "reason", job_reason_name(job->reason));
	json_put_u64(json, "version", job->version);
	json_put_text(json, "runtime", job->runtime);
	json_put_text(json, "boundary", job->boundary);
	json_put_u64(json, "priority", job->priority);
	json_put_u64(json, "attempt", job->attempt);
	json_put_u64(json, "max_attempts", job->max_attempts);
	json_put_bool(json, "cancel_requested", job->is_cancel_asked);
	log_put_moment(json, "created_at", job->created_ms);
	log_put_moment(json, "started_at", job->started_ms);
	log_put_moment(json, "ended_at", job->ended_ms);
	log_put_moment(json, "deadline", job->deadline_ms);
	log_put_moment(json, "kept_until", job->purge_ms);
	if (put_labels(request, json, job, e) < 0 ||
	    (with_result && (put_why(request, json, job, e) < 0 || put_result(request, json, job, e) < 0)))
		return -1;
	json_put_end(json);
	return 0;
}

void job_etag(const struct store_job *job, char out[JOB_ETAG])
{
	snprintf(out, JOB_ETAG, "\"%" PRIu64 "%s\"", job->version, job->is_cancel_asked ? "c" : "");
}

static bool is_unchanged(struct request *request, const char *etag)
{
	const char *const given = request_header_in(request, "If-None-Match");

	return given && request->route->method == ROUTE_GET && !strcmp(given, etag);
}

void job_show(struct request *request, unsigned status, const struct store_job *job)
{
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	struct store_job found;
	char id[STORE_ID_TEXT], path[64], etag[JOB_ETAG];

	if (!job) {
		const int n = store_job_get(request->front->store, request->tenant.id, &request->job, &request->arena, &found, &e);

		if (n < 0)
			request_broken(request, &e);
		else if (n == 0)
			request_fail(request, "not_found", NULL, "there is no such job");
		if (n != 1)
			return;
		job = &found;
	}
	job_etag(job, etag);
	if (is_unchanged(request, etag)) {
		request_text(request, MHD_HTTP_NOT_MODIFIED, "application/json", "", 0);
		request_header(request, "ETag", etag);
		return;
	}
	if (job_show_put(request, &json, NULL, job, true, &e) < 0) {
		json_done(&json);
		request_broken(request, &e);
		return;
	}
	request_json(request, status, &json);
	request_header(request, "ETag", etag);
	if (request->is_replay)
		request_header(request, "Idempotent-Replay", "true");
	store_id_write(&job->id, id);
	snprintf(path, sizeof(path), "/v1/jobs/%s", id);
	if (status == MHD_HTTP_CREATED)
		request_header(request, "Location", path);
}

/* -- waiting for a job -- */

struct until {
	unsigned status;
	job_is_over *is_over;
};

static void look(struct request *request, bool is_late)
{
	const struct until *const until = request->own;
	struct err e = ERR_INIT;
	struct store_job job;
	const int found = store_job_get(request->front->store, request->tenant.id, &request->job, &request->arena, &job, &e);

	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such job");
	else if (is_late || until->is_over(request, &job))
		job_show(request, until->status, &job);
}

bool job_has_ended(const struct request *request, const struct store_job *job)
{
	(void)request;
	return job_state_is_final(job->state);
}

/* Who waits for the end need not look at the states before it. */
static void woken(struct watcher *watcher, const struct store_change *change)
{
	struct request *const request = watcher->owner;
	const struct until *const until = request->own;

	if (until->is_over != job_has_ended || job_state_is_final(change->to))
		look(request, false);
}

static void late(struct request *request)
{
	look(request, true);
}

static void begin_wait(struct request *request, uint64_t wait_ms)
{
	request->watcher.wake = woken;
	request->watcher.owner = request;
	watch_begin(&request->front->watch, &request->watcher, &request->job);
	request_wait(request, loop_now_us() + wait_ms * 1000, late);
}

static void set_until(struct request *request, unsigned status, job_is_over *is_over)
{
	struct until *const until = arena_alloc(&request->arena, sizeof(*until));

	*until = (struct until){ .status = status, .is_over = is_over };
	request->own = until;
}

void job_show_when(struct request *request, unsigned status, uint64_t wait_ms, job_is_over *is_over)
{
	set_until(request, status, is_over);
	look(request, !wait_ms || request->front->is_ending);
	if (!request->answer)
		begin_wait(request, wait_ms);
}

void job_show_ended(struct request *request, unsigned status, uint64_t wait_ms)
{
	set_until(request, status, job_has_ended);
	begin_wait(request, wait_ms);
}

/* -- refusals of the store -- */

static const struct {
	enum store_outcome outcome;
	const char *code, *detail;
} refusals[] = {
	{ STORE_MISMATCH, "idempotency_mismatch", "this Idempotency-Key came with another document before" },
	{ STORE_MISSING, "not_found", "there is no such job" },
	{ STORE_TAKEN, "name_taken", "that name belongs to another" },
	{ STORE_SUSPENDED, "tenant_suspended", "this tenant may not create jobs now; ask who runs the service" },
	{ STORE_QUOTA_QUEUED, "quota_queued", "this tenant has as many jobs waiting as it may" },
	{ STORE_QUOTA_CPU, "quota_cpu", "this tenant's processor time of today is used up" },
	{ STORE_QUOTA_MEMORY, "quota_memory", "the job asks for more memory than this tenant may have at once" },
	{ STORE_QUOTA_SESSIONS, "quota_sessions", "this tenant has as many interactive jobs as it may" },
	{ STORE_QUOTA_KEPT, "quota_kept", "this tenant's space for blobs, outputs and what jobs wrote is used up; remove jobs with purge=true" },
	{ STORE_QUEUE_WAIT, "queue_wait", "it would wait longer than jobs may here, as this tenant's queue drains now" },
	{ STORE_QUOTA_BLOBS, "quota_blobs", "this tenant's space for blobs is used up" },
	{ STORE_QUEUE_FULL, "queue_full", "the service has as many jobs waiting as it may" },
	{ STORE_NOT_APPLIED, "batch_not_applied", "another item of the batch failed, and the batch is atomic" },
};

const char *job_refusal(enum store_outcome outcome)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].outcome == outcome)
			return refusals[i].code;
	return NULL;
}

bool job_refused(struct request *request, const struct store_answer *answer)
{
	const uint64_t retry_ms = answer->n_items ? answer->items[0].retry_ms : 0;

	if (answer->err.kind != ERR_NONE) {
		request_broken(request, &answer->err);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const unsigned status = problem_find(refusals[i].code).status;

		if (refusals[i].outcome != answer->outcome)
			continue;
		if (status == 429 || status == 503)
			request_fail_for(request, refusals[i].code, retry_ms, "%s", refusals[i].detail);
		else
			request_fail(request, refusals[i].code, NULL, "%s", refusals[i].detail);
		return true;
	}
	return false;
}
