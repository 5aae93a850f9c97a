/* What many boxes have in common of their roots, taken out of a plan: it is made once, and each box begins with a copy. Pure. */
#pragma once

#include <stddef.h>

#include "model/plan.h"

/* Puts into `tree` the steps that make the root as every box of this plan has it, and into `box` the plan with one step
 * `tree` in their stead. Both are empty before; `box` wants one descriptor more than `from`, behind the others: the tree.
 *
 * A box's own stay: file systems that are made for it, what is bound with its identity or at a path of own[n], and whatever
 * lies beneath one of those. The tree has the places for them, so nothing is left for a box to make in it.
 * whose  for messages
 * Errors: ERR_LIMIT when `from` was full already */
MUST_USE int plan_take_tree(const struct plan *from, const char *const *own, size_t n, const char *whose, struct plan *tree,
			    struct plan *box, struct err *e);
