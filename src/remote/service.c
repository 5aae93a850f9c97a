/* Requests with patience. */
#include "remote/service.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/hex.h"
#include "base/loop.h"
#include "base/mem.h"
#include "remote/field.h"

#define FIRST_PAUSE_MS 100
#define PAUSE_MAX_MS   5000
#define SLICE_MS       200      /* of a pause, between two looks at whether it is to end */

int service_make_key(char out[SERVICE_KEY_TEXT], struct err *e)
{
	uint8_t bytes[(SERVICE_KEY_TEXT - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(e, "getrandom");
	hex_write(bytes, sizeof(bytes), out);
	return 0;
}

static enum err_kind kind_of(long status)
{
	static const struct {
		long status;
		enum err_kind kind;
	} rows[] = {
		{ 401, ERR_DENIED }, { 403, ERR_DENIED }, { 404, ERR_MISSING }, { 409, ERR_CONFLICT },
		{ 413, ERR_LIMIT },  { 429, ERR_LIMIT },  { 503, ERR_LIMIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].status == status)
			return rows[i].kind;
	return status / 100 == 4 ? ERR_USAGE : ERR_SYSTEM;
}

/* application/problem+json (RFC 9457); anything else is not the service, but something in between. */
int service_refusal(const struct http_answer *answer, struct err *e)
{
	json_t *const problem = json_loadb(str_text(&answer->body), answer->body.len, JSON_REJECT_DUPLICATES, NULL);
	const char *const code = field_text(problem, "code"), *const field = field_text(problem, "field");
	const char *detail = field_text(problem, "detail");

	if (!*detail)
		detail = field_text(problem, "title");
	if (!*code)
		err_set(e, kind_of(answer->status), "what answers there is no ward service (HTTP status %ld)", answer->status);
	else if (*field)
		err_set(e, kind_of(answer->status), "refused: %.60s: %.200s (%.40s)", field, detail, code);
	else
		err_set(e, kind_of(answer->status), "refused: %.200s (%.40s)", detail, code);
	json_decref(problem);
	return -1;
}

static int waits(const struct service *service, const char *why)
{
	return service->waits ? service->waits(service->at, why) : 0;
}

static int pause_ms(const struct service *service, uint64_t ms, const char *why, struct err *e)
{
	const uint64_t until = loop_now_us() + ms * 1000;

	while (loop_now_us() < until) {
		if (waits(service, why) < 0)
			return err_set(e, ERR_CONFLICT, "interrupted");
		nanosleep(&(struct timespec){ .tv_nsec = SLICE_MS * 1000000L }, NULL);
	}
	return 0;
}

/* Whether the same request may be sent again, and may come to something. */
static bool is_worth_again(const struct http_call *call, int result, const struct http_answer *answer, const struct err *e)
{
	const bool is_safe = strcmp(call->method, "GET") == 0 || call->idempotency_key || strcmp(call->method, "PUT") == 0;

	if (!is_safe || (result < 0 && e->kind != ERR_SYSTEM))
		return false;
	return result < 0 || answer->status == 429 || answer->status == 502 || answer->status == 503 || answer->status == 504;
}

/* One request, again and again while that makes sense. */
static int request(struct service *service, const struct http_call *call, struct http_answer *answer, struct err *e)
{
	const uint64_t until = loop_now_us() + service->patience_ms * 1000;
	uint64_t pause = FIRST_PAUSE_MS;

	for (;;) {
		struct err why = ERR_INIT;
		const int result = http_do(service->http, call, answer, &why);
		const uint64_t wanted = answer->retry_ms > pause ? answer->retry_ms : pause;

		if (result == 0 && answer->is_ended)
			return err_set(e, ERR_CONFLICT, "interrupted");
		if (result == 0 && answer->status / 100 == 2)
			return 0;
		if (result == 0)
			service_refusal(answer, &why);
		if (!is_worth_again(call, result, answer, &why) || loop_now_us() + wanted * 1000 > until) {
			*e = why;
			return -1;
		}
		if (pause_ms(service, wanted, why.text, e) < 0)
			return -1;
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

static int tick(void *at)
{
	return waits(at, NULL);
}

int service_ask(struct service *service, struct http_call *call, json_t **out, struct err *e)
{
	OWN(http_answer) answer = HTTP_ANSWER_NONE;
	json_error_t error;
	json_t *value;

	call->tick = tick;
	call->at = service;
	if (request(service, call, &answer, e) < 0)
		return -1;
	value = json_loadb(str_text(&answer.body), answer.body.len, JSON_REJECT_DUPLICATES, &error);
	if (!value)
		return err_set(e, ERR_SYSTEM, "the service's answer is no JSON: line %d: %.120s", error.line, error.text);
	*out = value;
	return 0;
}

int service_bytes(struct service *service, struct http_call *call, struct err *e)
{
	OWN(http_answer) answer = HTTP_ANSWER_NONE;

	if (http_do(service->http, call, &answer, e) < 0)
		return -1;
	if (answer.is_ended)
		return err_set(e, ERR_CONFLICT, "interrupted");
	return answer.status / 100 == 2 ? 0 : service_refusal(&answer, e);
}

void service_escape(const char *text, struct str *out)
{
	for (const char *c = text; *c; c++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *c))
			str_addf(out, "%c", *c);
		else
			str_addf(out, "%%%02X", (unsigned char)*c);
}
