/* What a job left: the files it had declared, and what is known of how it was held. A name of a file is a guest's word:
 * it is compared and escaped, and no path is made of it. */
#include <fcntl.h>
#include <string.h>

#include "api/handlers.h"
#include "api/send_file.h"
#include "api/url.h"
#include "serve/place.h"
#include "store/store_blob.h"

/* 1: *out; else answered. */
static bool find_result(struct request *request, struct store_result *out)
{
	struct err e = ERR_INIT;
	struct store_job job;
	int found;

	if (!request_job(request, &job))
		return false;
	if (!job_state_is_final(job.state)) {
		request_fail(request, "job_running", NULL, "the job has not ended; wait for it with GET /v1/jobs/{id}?wait=60s");
		return false;
	}
	found = store_result_get(request->front->store, request->tenant.id, &request->job, &request->arena, out, &e);
	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "the job ended without a start: it has no result");
	return found == 1;
}

static void put_artifact(struct json *json, const struct store_artifact *artifact, const char *job)
{
	OWN(str) path = STR_NONE;
	char digest[SHA256_TEXT];

	str_addf(&path, "/v1/jobs/%s/artifacts/", job);
	url_encode(&path, artifact->name);
	digest_write(&artifact->digest, digest);
	json_put_object(json, NULL);
	json_put_text(json, "name", artifact->name);
	json_put_u64(json, "bytes", artifact->bytes);
	json_put_text(json, "sha256", digest);
	json_put_text(json, "url", str_text(&path));
	json_put_end(json);
}

void api_artifact_list(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_result result;
	char id[STORE_ID_TEXT];

	if (!find_result(request, &result))
		return;
	store_id_write(&request->job, id);
	json_put_object(&json, NULL);
	json_put_array(&json, "artifacts");
	for (size_t i = 0; i < result.finish.n_artifacts; i++)
		put_artifact(&json, &result.finish.artifacts[i], id);
	json_put_end(&json);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_artifact_get(struct request *request)
{
	struct store_artifact artifact;
	struct err e = ERR_INIT;
	char place[PLACE_MAX], digest[SHA256_TEXT];
	int found, fd;

	if (!request_job(request, NULL))
		return;
	found = store_artifact_get(request->front->store, request->tenant.id, &request->job, request->parts[1], &artifact, &e);
	if (found < 0) {
		request_broken(request, &e);
		return;
	}
	if (found == 0) {
		request_fail(request, "not_found", NULL, "the job left no such file");
		return;
	}
	place_name(PLACE_BLOB, &artifact.file, place);
	fd = openat(request->front->state_fd, place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		err_sys(&e, "open %s", place);
		request_broken(request, &e);
		return;
	}
	digest_write(&artifact.digest, digest);
	send_file(request, fd, request->parts[1], digest);
}

/* -- evidence -- */

static void put_attempts(struct json *json, const struct store_attempt *attempts, size_t n)
{

	json_put_array(json, "attempts");
	for (size_t i = 0; i < n; i++) {
		json_put_object(json, NULL);
		json_put_u64(json, "attempt", attempts[i].attempt);
		json_put_text(json, "outcome", job_state_name(attempts[i].outcome));
		json_put_text(json, "reason", job_reason_name(attempts[i].reason));
		if (attempts[i].why && *attempts[i].why)
			json_put_text(json, "why", attempts[i].why);
		log_put_moment(json, "leased_at", attempts[i].leased_ms);
		json_put_end(json);
	}
	json_put_end(json);
}

void api_evidence_get(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_result result;
	struct store_attempt *attempts;
	struct err e = ERR_INIT;
	char digest[SHA256_TEXT], id[STORE_ID_TEXT];
	size_t n = 0;

	if (!find_result(request, &result))
		return;
	if (store_attempt_list(request->front->store, request->tenant.id, &request->job, &request->arena, &attempts, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	store_id_write(&request->job, id);
	digest_write(&result.digest, digest);
	json_put_object(&json, NULL);
	json_put_text(&json, "id", id);
	json_put_text(&json, "result_hash", digest);
	put_attempts(&json, attempts, n);
	if (result.finish.document.len)
		json_put_raw(&json, "result", result.finish.document.at, result.finish.document.len);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
