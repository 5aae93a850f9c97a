/* The descriptors a plan is sent with: passed ones, and the host's files, opened as ward's user. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "boundary/boundary.h"
#include "model/policy.h"

struct openings {
	/* [0..2] -1, for the engine to fill; then passed ones, borrowed; from first_own, ours. */
	int *fds;
	size_t n, first_own;
};
#define OPENINGS_NONE ((struct openings){ .fds = NULL })

/* Closes those that were opened. */
void openings_done(struct openings *openings);

/* Opens every path of the rung, O_PATH, by name and once; raises the soft limit of open files when
 * there are many.
 *
 * Errors: names the path, the line of the policy that grants it, cause and fix */
MUST_USE int openings_open(const struct rung *rung, struct openings *out, struct err *e);

/* One path alone, for `ward check`, which wants all failures and not the first. */
MUST_USE int openings_open_path(const struct policy *policy, const struct opened_path *path,
				struct err *e);
