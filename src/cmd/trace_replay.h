/* Runs a traced program again under the policy that was derived, and tells what it misses. */
#pragma once

#include "base/err.h"
#include "cmd/command.h"
#include "model/record.h"

/* Borrowed. */
struct replay {
	struct args *args;              /* options and program of the traced run */
	const struct record *record;
	const char *policy;             /* its text */
	const int *passed;              /* --pass-fd, which no policy can say */
	size_t n_passed;
	int traced_code;                /* how the traced run ended */
};

/* A run as any other, in a process of its own. Refused calls that were refused while tracing too are no
 * miss.
 *
 * Returns 0, CODE_FINDINGS when something was missed, which is said on standard error
 * Errors: the policy cannot be read; ERR_SYSTEM */
MUST_USE int trace_replay(const struct replay *replay, struct err *e);
