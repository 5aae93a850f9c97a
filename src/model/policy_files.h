/* The `files` of a policy: from list entries to grants. Pure. */
#pragma once

#include "model/policy.h"
#include "model/policy_tree.h"

/* source  borrowed by the origins
 * Errors: those of policy_grant_add and of the entry's form, with file, line and column */
MUST_USE int policy_files_read(struct policy *policy, const struct tree *tree, const char *source,
			       const struct node *list, struct err *e);
