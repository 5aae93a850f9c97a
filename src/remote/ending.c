/* State, reason and result of a job, as a code and as a sentence. */
#include "remote/ending.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/tame.h"
#include "remote/field.h"

enum { STOPPED = 124, NOT_RUN = 125, REFUSED_CALL = 159 };

static const char *const final[] = { "succeeded", "failed", "timed_out", "cancelled", "rejected", "infra_failed" };

bool ending_is_final(const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(final); i++)
		if (strcmp(state, final[i]) == 0)
			return true;
	return false;
}

static int code_of_reason(const char *reason)
{
	static const struct {
		const char *reason;
		int code;
	} rows[] = {
		{ "oom", STOPPED },        { "output_limit", STOPPED }, { "disk_limit", STOPPED },
		{ "pids_limit", STOPPED }, { "wall", STOPPED },         { "cpu", STOPPED },
		{ "policy_kill", REFUSED_CALL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].reason, reason) == 0)
			return rows[i].code;
	return NOT_RUN;
}

int ending_code(const json_t *job)
{
	const char *const state = field_text(job, "state"), *const reason = field_text(job, "reason");
	const json_t *const result = json_object_get(job, "result");
	const json_t *const exit_code = json_object_get(result, "exit_code"), *const signal = json_object_get(result, "signal");

	if (strcmp(state, "succeeded") == 0)
		return 0;
	if (strcmp(state, "timed_out") == 0)
		return STOPPED;
	if (strcmp(state, "failed") != 0)
		return NOT_RUN;
	if (code_of_reason(reason) != NOT_RUN)
		return code_of_reason(reason);
	if (json_integer_value(signal) > 0 && json_integer_value(signal) < 128)
		return 128 + (int)json_integer_value(signal);
	/* It failed, whatever an answer that lacks the code says: never 0. */
	return json_integer_value(exit_code) > 0 && json_integer_value(exit_code) < 256 ? (int)json_integer_value(exit_code) :
											  NOT_RUN;
}

static void add_time(const json_t *result, const char *name, const char *what, struct str *out)
{
	const json_int_t us = json_integer_value(json_object_get(result, name));

	if (us > 0)
		str_addf(out, ", %.3f s %s", (double)us / 1e6, what);
}

void ending_text(const json_t *job, struct str *out)
{
	const json_t *const result = json_object_get(job, "result");
	const json_t *const exit_code = json_object_get(result, "exit_code"), *const signal = json_object_get(result, "signal");

	tame_line(field_text(job, "state"), out);
	if (*field_text(job, "reason")) {
		str_add(out, ": ");
		tame_line(field_text(job, "reason"), out);
	}
	if (*field_text(job, "why")) {
		str_add(out, ": ");
		tame_line(field_text(job, "why"), out);
	}
	if (exit_code)
		str_addf(out, ", exit code %" PRId64, (int64_t)json_integer_value(exit_code));
	if (signal)
		str_addf(out, ", signal %" PRId64, (int64_t)json_integer_value(signal));
	add_time(result, "wall_us", "by the clock", out);
	add_time(result, "cpu_us", "of the processor", out);
}
