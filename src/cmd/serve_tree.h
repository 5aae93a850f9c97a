/* The root of a class's boxes, made once, by the launcher: see model/plan_tree.h. */
#pragma once

#include "base/err.h"
#include "model/plan.h"

/* Does the steps of a tree, with root's rights and no box: its files are root's, and its file system is read-only in the end
 * for everybody.
 *
 * fds  the descriptors of the plan it was taken from
 * Returns a detached mount with all on it, of which copies can be made (Linux 6.15), for the holder to close.
 * Errors: ERR_UNSUPPORTED for an older kernel; ERR_SYSTEM; ERR_BUG for a step that no tree has */
MUST_USE int serve_tree_make(const struct plan *tree, const int *fds, struct err *e);
