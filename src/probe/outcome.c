/* Builds outcomes. Decides nothing about claims: that is the judge's part, outside the box. */
#include "probe/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct outcome outcome_of(long rc)
{
	return outcome_past(rc, 0, 0);
}

struct outcome outcome_past(long rc, int first, int second)
{
	const int sys = rc < 0 ? errno : 0;
	const bool is_past = sys && (sys == first || sys == second);

	return (struct outcome){ .kind = rc >= 0 || is_past ? OUTCOME_ALLOWED : OUTCOME_REFUSED,
				 .sys = sys };
}

struct outcome outcome_refused(int sys)
{
	return (struct outcome){ .kind = OUTCOME_REFUSED, .sys = sys };
}

struct outcome outcome_allowed(const char *format, ...)
{
	struct outcome outcome = { .kind = OUTCOME_ALLOWED };
	va_list args;

	va_start(args, format);
	vsnprintf(outcome.detail, sizeof(outcome.detail), format, args);
	va_end(args);
	return outcome;
}

struct outcome outcome_skipped(const char *why)
{
	struct outcome outcome = { .kind = OUTCOME_SKIPPED };

	snprintf(outcome.detail, sizeof(outcome.detail), "%s", why);
	return outcome;
}

struct outcome outcome_state(bool is_bad, const char *bad, const char *good)
{
	struct outcome outcome = { .kind = is_bad ? OUTCOME_ALLOWED : OUTCOME_REFUSED };

	snprintf(outcome.detail, sizeof(outcome.detail), "%s", is_bad ? bad : good);
	return outcome;
}
