/* A policy's rows and the floor's, taken apart: for each call the groups of arguments that get the same
 * answer. No group overlaps another, so their order says nothing. For formats that have no order. Pure. */
#pragma once

#include <stdint.h>

#include "model/filter.h"

/* Calls where (argument & mask) == value for all six; all masks 0: whatever the arguments are. */
struct filter_case {
	uint32_t nr;
	uint32_t word;          /* SECCOMP_RET_* */
	uint64_t mask[6], value[6];
};

/* Sorted by number. What is in no case gets `otherwise`. */
struct filter_cases {
	struct filter_case *at;
	size_t n, cap;
	uint32_t otherwise;
};
#define FILTER_CASES_NONE ((struct filter_cases){ .at = NULL })
void filter_cases_done(struct filter_cases *cases);

/* Of what the two answer stacked, where nobody listens: see filter_stack().
 *
 * Errors: ERR_LIMIT when one call falls into more than FILTER_CASES_MAX pieces */
#define FILTER_CASES_MAX 8192
MUST_USE int filter_cases(const struct filter_set *policy, const struct filter_set *floor,
			  struct filter_cases *out, struct err *e);

/* True when the case holds for these arguments. */
bool filter_case_holds(const struct filter_case *one, const uint64_t args[6]);

/* True when the case tests no argument. */
bool filter_case_is_plain(const struct filter_case *one);

/* True when the word lets the call happen. */
static inline bool filter_word_passes(uint32_t word)
{
	return word == SECCOMP_RET_ALLOW || word == SECCOMP_RET_LOG;
}
