/* The syscalls of a policy: from the file's words to filter rows. Pure. */
#pragma once

#include "model/policy.h"
#include "model/policy_tree.h"

/* Gives the filter what the scalar keys syscalls.default and syscalls.report say; called whenever
 * one of them changes. */
void policy_calls_sync(struct policy *policy);

/* Fills policy->syscalls and policy->calls. Rules come first, so that a rule narrows what `allow`
 * gives: a call with an `allow ... when` rule is allowed only then, and gets the default otherwise.
 *
 * rules, allow  lists of the tree, NULL when absent
 * source        borrowed by the origins
 * Errors: ERR_USAGE, ERR_LIMIT; with file, line and column */
MUST_USE int policy_calls_read(struct policy *policy, const struct tree *tree, const char *source,
			       const struct node *rules, const struct node *allow, struct err *e);

/* "EPERM" to its number. */
MUST_USE int policy_errno(const char *name, uint16_t *number, struct err *e);
