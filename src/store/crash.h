/* Places where a test lets the process die, to see that nothing is lost there. Without WARD_CRASH_AT in the
 * environment at the first call each costs a comparison. */
#pragma once

#include <stddef.h>

enum crash_point {
#define POINT(id, name) CRASH_##id,
#include "store/crash.def"
#undef POINT
	CRASH_POINTS
};

#define CRASH_STATUS 86         /* what the process then exits with */

void crash_at(enum crash_point point);

/* Arms the point of that name, "name" or "name:3"; the first crash_at() does it with the variable. */
void crash_arm(const char *word);

/* From here on this process and those it forks count together: one of them ends, once. */
void crash_share(void);

/* NULL past the end. */
const char *crash_name(size_t point);
