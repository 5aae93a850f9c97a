/* The descriptors a plan is sent with: passed ones, and the host's files, opened as ward's user. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
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

/* Opens every path of the rung, O_PATH, by name and once, through no link; raises the soft limit of
 * open files when there are many.
 *
 * Errors: names the path, the line of the policy that grants it, cause and fix */
MUST_USE int openings_open(const struct rung *rung, struct openings *out, struct err *e);

/* Says where an absolute path leads, once: from then on a link on the way is refused.
 *
 * A link is followed if it is root's and every directory above it is root's alone to write; so
 * "/home/me" works where root made /home a link, and nobody else decides what is granted. The last
 * name is followed only with follow_last; a link there is for planning to refuse.
 * out     the path without links, in the arena; left alone when there are none, or when it cannot
 *         be reached: opening it says why
 * Errors: ERR_DENIED, naming the link and its target; ERR_USAGE for circles
 * Syscalls: openat2 openat fstat readlinkat */
MUST_USE int openings_resolve(const char *path, bool follow_last, struct arena *arena,
			      const char **out, struct err *e);

/* One path alone, for `ward check`, which wants all failures and not the first. */
MUST_USE int openings_open_path(const struct policy *policy, const struct opened_path *path,
				struct err *e);
