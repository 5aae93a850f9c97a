/* The sections of a derived policy. Private to judge/derive*.c. */
#pragma once

#include "judge/derive.h"
#include "model/filter.h"

struct deriving {
	const struct record *record;
	const struct derive_how *how;
	struct filter_set rows, floor;  /* what it ran under; rows.n_rows 0: not known */
	bool has_rows;
	struct str *out;
	struct derived *counts;
	size_t n_rules;                 /* entries of syscalls.rules */
};

void derive_files(struct deriving *d);
void derive_calls(struct deriving *d);

/* Why a call is allowed that was not made: the next run may have to. NULL: it is not. */
const char *derive_unasked(const struct deriving *d, uint32_t nr);
/* Adds the reason of a call to a comment. */
void derive_reason(const struct deriving *d, uint32_t nr, const struct record_call *call);
/* Adds text to a comment: printable ASCII, anything else as '?'. */
void derive_comment(struct str *out, const char *text);
/* Adds a text as a double-quoted scalar of YAML. */
void derive_quoted(struct str *out, const char *text);
