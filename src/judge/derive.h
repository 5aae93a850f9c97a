/* From what a program did to the smallest policy that suffices, as text: each entry has the reason it is
 * there as a comment. Runs nothing and reads no file; the same record gives the same text. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/policy.h"
#include "model/record.h"

/* What a run used at most; 0: not measured. Limits are twice as much. */
struct derive_usage {
	uint64_t cpu_ms, wall_ms, memory_bytes, pids, output_bytes;
};

struct derive_how {
	const char *name;               /* of the new policy; NULL: made of the program's name */
	const struct policy *under;     /* what the program ran under; NULL: not known. Nothing is granted
					 * that it refuses, and its files say what lies where */
	const char *home;               /* never granted as a whole; NULL: not known */
	struct derive_usage usage;
};

/* What came out, for a summary. */
struct derived {
	size_t n_calls;                 /* system calls that are allowed */
	size_t n_narrowed;              /* of these, only with certain arguments */
	size_t n_refused;               /* made, refused, and done without */
	size_t n_files, n_grants;       /* files that were used; entries that cover them */
	size_t n_uncovered;             /* files used that no entry can cover; each is a comment */
};

/* Writes a policy of schema version 1.
 *
 * Arguments are narrowed where the table in derive_calls.c says that they choose what a call does, and few
 * values were seen. Never allowed: what the floor refuses. */
void derive_policy(const struct record *record, const struct derive_how *how, struct str *out,
		   struct derived *counts);
