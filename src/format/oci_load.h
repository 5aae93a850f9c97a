/* The part of an OCI file that is about seccomp, as a tree. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "model/policy_tree.h"

/* Loads a profile whole, and of a runtime configuration what oci_read() asks for: of `process` the
 * capabilities, noNewPrivileges and terminal, of `linux` seccomp and namespaces. What else there is may
 * be long and is passed over. null is as good as absent; control bytes in texts become blanks.
 *
 * tree    empty, with a name
 * Errors: ERR_USAGE, ERR_LIMIT; with file, line and column */
MUST_USE int oci_load(struct tree *tree, const char *text, size_t len, struct err *e);
