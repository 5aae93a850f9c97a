/* What clients send into a running job: bytes and signals. Bytes are not looked at. */
#include <signal.h>
#include <string.h>

#include "api/body.h"
#include "api/handlers.h"
#include "api/signal_field.h"
#include "serve/dispatch.h"
#include "serve/job_parts.h"

static bool is_live(struct request *request, const struct store_job *job)
{
	if (job_state_is_final(job->state))
		request_fail(request, "job_ended", NULL, "the job has ended");
	return !request->answer;
}

void api_input_stdin(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_job job;
	ssize_t taken;
	bool is_end;

	if (!request_query_bool(request, "eof", &is_end) || !request_job(request, &job) || !is_live(request, &job))
		return;
	taken = dispatch_stdin(request->front->dispatch, &request->job, str_text(&request->body), request->body.len, is_end);
	if (taken < 0) {
		request_fail(request, "job_not_interactive", NULL,
			     "the job does not run yet, or its last step has no stdin of {\"live\": true}, or that has ended");
		return;
	}
	if (!taken && request->body.len) {
		request_fail_for(request, "input_full", 1000, "the job has not read what it was given before");
		return;
	}
	json_put_object(&json, NULL);
	json_put_u64(&json, "taken", (uint64_t)taken);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_input_resize(struct request *request)
{
	static const struct field fields[] = { { "rows", job_part_side }, { "cols", job_part_side } };
	struct job_window window = { .rows = 0 };
	struct json json = JSON_NONE;
	struct store_job job;

	if (!request_job(request, &job) || !body_read(request, fields, ARRAY_SIZE(fields), &window) || !is_live(request, &job))
		return;
	if (!window.rows || !window.cols) {
		request_fail(request, "invalid_value", "", "rows and cols are wanted");
		return;
	}
	if (!dispatch_resize(request->front->dispatch, &request->job, &window)) {
		request_fail(request, "job_not_interactive", NULL, "the job does not run yet, or has no terminal");
		return;
	}
	json_put_object(&json, NULL);
	json_put_bool(&json, "resized", true);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "TERM", SIGTERM }, { "INT", SIGINT }, { "HUP", SIGHUP }, { "QUIT", SIGQUIT }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
};

int signal_field(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *const name = json_is_string(value) ? json_string_value(value) : "";

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!strcmp(signals[i].name, name)) {
			*(int *)into = signals[i].number;
			return 0;
		}
	return fields_fault(r, at, "invalid_value", "must be TERM, INT, HUP, QUIT, USR1 or USR2");
}

void api_input_signal(struct request *request)
{
	static const struct field fields[] = { { "signal", signal_field } };
	struct json json = JSON_NONE;
	struct store_job job;
	int number = 0;

	if (!request_job(request, &job) || !body_read(request, fields, ARRAY_SIZE(fields), &number) || !is_live(request, &job))
		return;
	if (!number) {
		request_fail(request, "invalid_value", "", "signal is missing");
		return;
	}
	if (!dispatch_signal(request->front->dispatch, &request->job, number)) {
		request_fail(request, "job_not_interactive", NULL, "the job does not run yet, or no more");
		return;
	}
	json_put_object(&json, NULL);
	json_put_bool(&json, "signalled", true);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}
