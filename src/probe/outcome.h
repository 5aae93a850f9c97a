/* How one attempt ended. Pure but for errno, which it reads. */
#pragma once

#include <stdbool.h>

#include "probe/attempt.h"

struct outcome {
	enum outcome_kind kind;
	int sys;
	char detail[RECORD_DETAIL];
};

/* rc >= 0: allowed, else refused with errno. */
struct outcome outcome_of(long rc);

/* The same, but these errnos (0 = none) come from behind the permission check: the operation was
 * possible and only its arguments, wrong on purpose, saved the host. */
struct outcome outcome_past(long rc, int first, int second);

struct outcome outcome_refused(int sys);
struct outcome outcome_allowed(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct outcome outcome_skipped(const char *why);

/* A state rather than an operation: allowed when it is as it must not be. */
struct outcome outcome_state(bool is_bad, const char *bad, const char *good);
