/* One entry of the syscalls of a profile. */
#pragma once

#include "format/oci_node.h"

/* Adds its rules to the filter and its lines to the subject, when it counts in the subject's context.
 *
 * Errors: ERR_USAGE, ERR_LIMIT; with file, line and column */
MUST_USE int oci_add_entry(struct oci *oci, const struct node *entry, struct err *e);
