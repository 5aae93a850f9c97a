/* Answers, waits and parameters of one request. Nothing here knows what a job is but that it has an id. */
#include "api/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/digits.h"
#include "api/inner.h"
#include "api/url.h"
#include "base/fd.h"

#define WAIT_MAX_MS  60000
#define LIMIT_MAX    200
#define LIMIT_NORMAL 50

void request_header(struct request *request, const char *name, const char *value)
{
	/* Fails for a value with a line break alone, and then the answer goes without it. */
	(void)MHD_add_response_header(request->answer, name, value);
}

static void answer(struct request *request, unsigned status, struct MHD_Response *response, const char *policy, const char *cache)
{
	if (!response)
		mem_fail();
	if (request->answer) { /* the first one counts */
		MHD_destroy_response(response);
		return;
	}
	request_wait_end(request);
	watch_end(&request->watcher);
	request->answer = response;
	request->status = status;
	if (request->inner)
		inner_answered(request);
	request_header(request, "X-Request-Id", request->id);
	request_header(request, "X-Content-Type-Options", "nosniff");
	request_header(request, "Content-Security-Policy", policy);
	request_header(request, "Cache-Control", cache);
	request_header(request, "Cross-Origin-Resource-Policy", "same-origin");
	if (request->is_suspended) {
		request->is_suspended = false;
		MHD_resume_connection(request->connection);
	}
}

void request_answer(struct request *request, unsigned status, struct MHD_Response *response)
{
	answer(request, status, response, "default-src 'none'; frame-ancestors 'none'", "no-store");
}

/* No inline code or style, nothing from elsewhere, no text that becomes markup, no form, in nobody's frame. */
void request_page(struct request *request, unsigned status, struct MHD_Response *response)
{
	answer(request, status, response,
	       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
	       "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'", "no-cache");
	request_header(request, "X-Frame-Options", "DENY");
	request_header(request, "Referrer-Policy", "no-referrer");
	request_header(request, "Cross-Origin-Opener-Policy", "same-origin");
}

void request_text(struct request *request, unsigned status, const char *type, const char *text, size_t len)
{
	char *const copy = mem_raw(len + 1);
	struct MHD_Response *response;

	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!request->answer) {
		request->text = copy;
		request->text_len = len;
	}
	response = MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);
	if (!response)
		mem_fail();
	(void)MHD_add_response_header(response, "Content-Type", type);
	request_answer(request, status, response);
}

/* One that got shorter since it was looked at is as short as it is. */
static size_t read_piece(int fd, uint64_t first, char *bytes, size_t len)
{
	size_t at = 0;
	ssize_t n = 1;

	while (at < len && n > 0) {
		n = pread(fd, bytes + at, len - at, (off_t)(first + at));
		at += n > 0 ? (size_t)n : 0;
	}
	return at;
}

void request_file(struct request *request, unsigned status, int fd, uint64_t first, uint64_t len)
{
	if (request->inner || !len) {
		OWN_FD int own = fd;
		const size_t max = len < INNER_FILE_MAX ? (size_t)len : INNER_FILE_MAX;
		OWN_MEM char *bytes = mem_raw(max + 1);

		request_text(request, status, "application/octet-stream", bytes, read_piece(own, first, bytes, max));
		return;
	}
	struct MHD_Response *const response = MHD_create_response_from_fd_at_offset64(len, fd, first); /* takes fd */

	if (!response)
		mem_fail();
	(void)MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	request_answer(request, status, response);
}

void request_json(struct request *request, unsigned status, struct json *json)
{
	json_put_line(json);
	if (json->out.cut)
		request_fail(request, "internal", NULL, "the answer is too long; ask for less at once");
	else
		request_text(request, status, "application/json", json_written(json), json->out.len);
	json_done(json);
}

static void put_problem(struct request *request, const struct problem *problem, const char *field, const char *detail)
{
	struct json json = JSON_NONE;

	problem_put(&json, NULL, problem, detail, field, request->id);
	json_put_line(&json);
	request_text(request, problem->status, "application/problem+json", json_written(&json), json.out.len);
	json_done(&json);
}

void request_fail(struct request *request, const char *code, const char *field, const char *format, ...)
{
	const struct problem problem = problem_find(code);
	char detail[512];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	put_problem(request, &problem, field, detail);
	if (problem.status == 401)
		request_header(request, "WWW-Authenticate", "Bearer realm=\"ward\"");
	/* Whoever is told to come again is told when; request_fail_for() knows better. */
	if (problem.status == 503 || problem.status == 429)
		request_header(request, "Retry-After", "1");
}

void request_fail_for(struct request *request, const char *code, uint64_t retry_ms, const char *format, ...)
{
	const struct problem problem = problem_find(code);
	char detail[512], after[24];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	put_problem(request, &problem, NULL, detail);
	snprintf(after, sizeof(after), "%llu", (unsigned long long)problem_retry_s(retry_ms));
	request_header(request, "Retry-After", after);
}

void request_broken(struct request *request, const struct err *e)
{
	struct json json = JSON_NONE;

	log_begin(&json, "error", "broken");
	json_put_text(&json, "request_id", request->id);
	json_put_text(&json, "text", e->text);
	log_end(&request->front->log, &json);
	request_fail_for(request, "storage_unavailable", 1000, "the service cannot read or write its state now; try again");
}

/* -- the end of a request -- */

void request_log(struct request *request)
{
	struct front *const front = request->front;
	struct json json = JSON_NONE;

	stats_answered(&front->stats, request->route ? (uint32_t)route_index(request->route) : UINT32_MAX, request->status);
	if (request->is_counted || (request->route && request->route->scope == ROUTE_PUBLIC && request->status == 200))
		return;
	log_begin(&json, request->status >= 500 ? "error" : "info", "request");
	json_put_text(&json, "request_id", request->id);
	json_put_text(&json, "method", request->method);
	if (request->inner)
		json_put_bool(&json, "inner", true);
	if (request->route)
		json_put_text(&json, "route", request->route->path);
	else
		json_put_bytes(&json, "path", request->path, strnlen(request->path, 256));
	json_put_u64(&json, "status", request->status);
	if (request->tenant.name) {
		json_put_text(&json, "tenant", request->tenant.name);
		json_put_text(&json, "key", request->key.public);
	}
	json_put_u64(&json, "us", loop_now_us() - request->began_us);
	log_end(&front->log, &json);
}

void request_free(struct request *request)
{
	request_wait_end(request);
	watch_end(&request->watcher);
	if (request->drop)
		request->drop(request->own);
	if (request->answer)
		MHD_destroy_response(request->answer);
	str_done(&request->body);
	arena_done(&request->arena);
	free(request);
}

/* -- waiting -- */

static void set_alarm(struct front *front)
{
	uint64_t first = 0;

	for (const struct request *r = front->waiting; r; r = r->next_waiting)
		if (!first || r->due_us < first)
			first = r->due_us;
	loop_set_alarm(&front->loop, front->wait_alarm, first);
}

void request_wait(struct request *request, uint64_t due_us, request_over *over)
{
	struct front *const front = request->front;

	request_wait_end(request);
	request->due_us = due_us;
	request->over = over;
	request->next_waiting = front->waiting;
	request->waiting_at = &front->waiting;
	if (front->waiting)
		front->waiting->waiting_at = &request->next_waiting;
	front->waiting = request;
	if (!front->loop.alarms[front->wait_alarm].when_us || due_us < front->loop.alarms[front->wait_alarm].when_us)
		loop_set_alarm(&front->loop, front->wait_alarm, due_us);
}

void request_wait_end(struct request *request)
{
	if (!request->waiting_at)
		return;
	*request->waiting_at = request->next_waiting;
	if (request->next_waiting)
		request->next_waiting->waiting_at = request->waiting_at;
	request->waiting_at = NULL;
	request->next_waiting = NULL;
	request->due_us = 0;
}

void request_wait_over(struct front *front)
{
	const uint64_t now = loop_now_us();
	struct request *next;

	for (struct request *r = front->waiting; r; r = next) {
		next = r->next_waiting;
		if (r->due_us > now && !front->is_ending)
			continue;
		request_wait_end(r);
		r->over(r);
	}
	set_alarm(front);
}

/* -- parameters -- */

const char *request_query(struct request *request, const char *name)
{
	const char *const raw = request->inner ? NULL : MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);

	if (request->inner)
		return inner_query(request->inner, name);
	return raw ? url_decode(&request->arena, raw, strlen(raw)) : NULL;
}

const char *request_header_in(const struct request *request, const char *name)
{
	if (request->inner)
		return inner_header(request->inner, name);
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool request_accepts(const struct request *request, const char *type)
{
	for (const char *part = request_header_in(request, "Accept"); part; part = strchr(part, ',')) {
		part += strspn(part, ", \t");
		if (!strncmp(part, type, strlen(type)))
			return true;
		if (!*part)
			break;
	}
	return false;
}

bool request_query_wait(struct request *request, uint64_t *wait_ms)
{
	const char *text = request_query(request, "wait");
	uint64_t n;

	*wait_ms = 0;
	if (!text)
		return true;
	if (digits_take(&text, &n)) {
		if (!*text || !strcmp(text, "s"))
			n *= 1000;
		if ((!*text || !strcmp(text, "s") || !strcmp(text, "ms")) && n <= WAIT_MAX_MS) {
			*wait_ms = n;
			return true;
		}
	}
	request_fail(request, "invalid_parameter", NULL, "wait must be a time of at most a minute, as in 10s or 250ms");
	return false;
}

bool request_query_number(struct request *request, const char *name, uint64_t *out)
{
	const char *const text = request_query(request, name);

	if (!text || digits_are(text, out))
		return true;
	request_fail(request, "invalid_parameter", NULL, "%s must be a whole number", name);
	return false;
}

bool request_query_limit(struct request *request, size_t *limit)
{
	uint64_t n = LIMIT_NORMAL;

	if (!request_query_number(request, "limit", &n))
		return false;
	if (n < 1 || n > LIMIT_MAX) {
		request_fail(request, "invalid_parameter", NULL, "limit must be 1 to %d", LIMIT_MAX);
		return false;
	}
	*limit = n;
	return true;
}

bool request_query_bool(struct request *request, const char *name, bool *out)
{
	const char *const text = request_query(request, name);

	*out = text && (!strcmp(text, "true") || !strcmp(text, "1"));
	if (!text || *out || !strcmp(text, "false") || !strcmp(text, "0"))
		return true;
	request_fail(request, "invalid_parameter", NULL, "%s must be true or false", name);
	return false;
}

bool request_job(struct request *request, struct store_job *out)
{
	const char *const text = request->parts[0];
	struct store_job job;
	struct err e = ERR_INIT;
	int found = 0;

	if (store_id_read(text, strlen(text), &request->job))
		found = store_job_get(request->front->store, request->tenant.id, &request->job, &request->arena, &job, &e);
	if (found < 0)
		request_broken(request, &e);
	else if (found == 0)
		request_fail(request, "not_found", NULL, "there is no such job");
	else if (out)
		*out = job;
	return found == 1;
}
