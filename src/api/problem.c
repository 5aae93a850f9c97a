/* The table of refusals, and how one is written. Says what was wrong with the request and never what else is here. */
#include "api/problem.h"

#include <string.h>

static const struct problem rows[] = {
#define PROBLEM(code, status, retryable, title) { #code, title, status, retryable },
#include "api/problem.def"
#undef PROBLEM
};

struct problem problem_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? rows[i] : (struct problem){ .code = NULL };
}

struct problem problem_find(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].code, code))
			return rows[i];
	return (struct problem){ code, "The job cannot be taken", 422, false };
}

void problem_put(struct json *json, const char *key, const struct problem *problem, const char *detail, const char *field,
		 const char *request_id)
{
	char type[96] = "urn:ward:problem:";

	strncat(type, problem->code, sizeof(type) - strlen(type) - 1);
	json_put_object(json, key);
	json_put_text(json, "type", type);
	json_put_text(json, "title", problem->title);
	json_put_u64(json, "status", problem->status);
	json_put_text(json, "code", problem->code);
	json_put_text(json, "detail", detail);
	if (field)
		json_put_text(json, "field", field);
	json_put_bool(json, "retryable", problem->is_retryable);
	if (request_id)
		json_put_text(json, "request_id", request_id);
	json_put_end(json);
}

uint64_t problem_retry_s(uint64_t retry_ms)
{
	const uint64_t s = retry_ms / 1000 + (retry_ms % 1000 != 0);

	return s < 1 ? 1 : s > 3600 ? 3600 : s;
}
