/* One scalar of a policy: text to number and back, by the type and bounds of its row. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/policy.h"

/* Bounds shared by the scalar keys and the options of a scratch grant. */
#define VALUE_SIZE_BOUNDS   "4K..1T"
#define VALUE_INODES_BOUNDS "16..16777216"

/* Reads "64M", "500ms", "1.5", "on", a choice, by type; arg as in policy_keys.def.
 *
 * *n  bytes, milliseconds, thousandths, 0/1, the choice's index; untouched for TEXT and PATH
 * Errors: ERR_USAGE, saying what is expected */
MUST_USE int policy_value_parse(enum key_type type, const char *arg, const char *text, uint64_t *n,
				struct err *e);

/* The way back: the largest unit that needs no fraction. out is always terminated. */
void policy_value_format(enum key_type type, const char *arg, uint64_t n, char *out, size_t cap);

/* "a size": completes the sentence "... wants ...". */
const char *policy_value_wanted(enum key_type type);
