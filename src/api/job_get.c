/* One job: looked at, waited for, cancelled, removed. */
#include <string.h>

#include "api/handlers.h"
#include "api/job_show.h"
#include "serve/dispatch.h"

static bool has_changed(const struct request *request, const struct store_job *job)
{
	const char *const given = request_header_in(request, "If-None-Match");
	char etag[JOB_ETAG];

	job_etag(job, etag);
	return strcmp(given, etag) != 0;
}

void api_job_get(struct request *request)
{
	uint64_t wait_ms;

	if (request_query_wait(request, &wait_ms) && request_job(request, NULL))
		job_show_when(request, MHD_HTTP_OK, wait_ms,
			      request_header_in(request, "If-None-Match") ? has_changed : job_has_ended);
}

void api_job_document(struct request *request)
{
	struct store_bytes document;
	struct err e = ERR_INIT;
	int found;

	if (!request_job(request, NULL))
		return;
	found = store_job_document(request->front->store, request->tenant.id, &request->job, &request->arena, &document, &e);
	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such job");
	else
		request_text(request, MHD_HTTP_OK, "application/json", document.at, document.len);
}

/* Whoever holds the job is told by the store's watch as well; this is quicker. */
static void cancelled(void *at, const struct store_answer *answer)
{
	struct request *const request = at;

	if (answer->err.kind == ERR_NONE && answer->outcome == STORE_STOPPING)
		(void)dispatch_cancel(request->front->dispatch, &request->job);
	if (!job_refused(request, answer))
		job_show(request, MHD_HTTP_OK, NULL);
}

void api_job_cancel(struct request *request)
{
	if (request_job(request, NULL))
		store_job_cancel(request->front->store, request->tenant.id, &request->job, cancelled, request);
}

static void purged(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	struct json json = JSON_NONE;
	char id[STORE_ID_TEXT];

	if (answer->err.kind == ERR_NONE && answer->outcome == STORE_STOPPING) {
		request_fail(request, "job_running", NULL, "a job is removed after it has ended; cancel it first");
		return;
	}
	if (job_refused(request, answer))
		return;
	store_id_write(&request->job, id);
	json_put_object(&json, NULL);
	json_put_text(&json, "id", id);
	json_put_bool(&json, "purged", true);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_job_delete(struct request *request)
{
	bool purge;

	if (!request_query_bool(request, "purge", &purge) || !request_job(request, NULL))
		return;
	if (purge)
		store_job_purge(request->front->store, request->tenant.id, &request->job, purged, request);
	else
		store_job_cancel(request->front->store, request->tenant.id, &request->job, cancelled, request);
}
