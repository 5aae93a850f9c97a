/* What the attempts made inside a box prove: which operations were refused, which the boundary
 * claims to refuse, and which layer a refusal hangs on. Pure: the boxes are the caller's business. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/layer.h"
#include "model/policy.h"
#include "model/result.h"
#include "probe/attempt.h"

struct selftest_record {
	enum outcome_kind kind;
	int sys;    /* errno, or the signal of OUTCOME_KILLED; 0 = none */
	bool begun; /* made at all: a box that never ran refuses nothing */
	char detail[RECORD_DETAIL];
};

struct selftest_pass {
	struct selftest_record *records; /* [attempt_count()] */
};
#define SELFTEST_PASS_NONE ((struct selftest_pass){ .records = NULL })
void selftest_pass_init(struct selftest_pass *pass);
void selftest_pass_done(struct selftest_pass *pass);

/* Takes over what ward-probe wrote. The text comes out of the box and may be anything.
 *
 * text  len bytes; a record replaces that of an earlier text
 * Errors: ERR_USAGE, naming the line; the pass then counts for nothing */
MUST_USE int selftest_read(struct selftest_pass *pass, const char *text, size_t len, struct err *e);

/* A box that was given this one attempt is over: what ended it is the outcome, if the attempt had
 * begun and left no record. */
void selftest_settle(struct selftest_pass *pass, const struct attempt_row *row, const struct result *result);

/* What an engine adds to the layers, numbered behind them: the engine itself, and what its process gives up before
 * it looks at a guest. No step of a plan installs them. */
#define GUARD_ENGINE ((enum layer)(LAYERS + 1))
#define GUARD_SEAL   ((enum layer)(LAYERS + 2))
#define GUARD_KERNEL ((enum layer)(LAYERS + 3)) /* no guard: the boundary's own kernel, which answers */
#define GUARD_GVISOR ((enum layer)(LAYERS + 4)) /* that kernel taken away: the program runs in the jail around it */

/* The name of a layer, "engine", "seal" or "gvisor". */
const char *selftest_guard_name(enum layer guard);

/* What is claimed, and by whom. */
struct selftest_scope {
	const struct policy *policy; /* of the process that makes the calls */
	uint32_t claimant; /* CLAIM_PROCESS or CLAIM_CONTAINER, and an engine's */
	uint64_t layers;   /* installed, LAYER_BIT */
	uint32_t notes;                 /* enum note: what this host made weaker */
	bool has_kernel;   /* calls are answered by a kernel of the boundary's own */
	bool has_engine;   /* a guest's rows are tried in the engine, the others in its place: without it */
};

/* True when the operation must be refused (a control: must be possible); else *why says, in a few
 * words, why nothing is claimed. */
bool selftest_claims(const struct selftest_scope *scope, const struct attempt_row *row, const char **why);

/* True when no grant lies at, above or beneath the absolute path. */
bool selftest_is_ungranted(const struct policy *policy, const char *path);

enum selftest_cell {
	CELL_UNTRIED,
	CELL_HELD,     /* refused */
	CELL_POSSIBLE, /* claimed, and not refused */
	CELL_WORKS,    /* a control */
	CELL_BROKEN,   /* a control that fails */
	CELL_NOT_APPLICABLE,
	CELL_ENGINE,   /* possible with the engine gone: it alone refuses it, for a reason that is written down */
	CELL_KERNEL,   /* done by the boundary's own kernel to its own things, for such a reason */
	CELL_UNKNOWN, /* no answer */
	CELLS
};
enum selftest_cell selftest_cell(const struct selftest_scope *scope, const struct attempt_row *row,
				 const struct selftest_record *record);

/* The same box with one layer taken away. */
struct selftest_column {
	enum layer layer;
	struct selftest_pass pass;
	struct err why; /* ERR_NONE, or why the box cannot be without this layer */
};

struct selftest_report {
	struct selftest_scope scope;
	const char *policy_name, *boundary; /* borrowed */
	struct selftest_pass pass;
	struct selftest_column *columns; /* NULL without a matrix */
	size_t n_columns;
};
void selftest_report_done(struct selftest_report *report);

struct selftest_count {
	size_t cells[CELLS];
	size_t single, undocumented; /* operations that one layer alone refuses; those without a reason */
	size_t silent; /* cells of the matrix without an answer */
};
struct selftest_count selftest_count(const struct selftest_report *report);

/* Without an engine, or its seal, there is no guest to try what is its own. */
bool selftest_tries(const struct selftest_column *column, const struct attempt_row *row);

/* True when the operation is refused in the whole box and possible in this column. */
bool selftest_opens(const struct selftest_report *report, const struct selftest_column *column, const struct attempt_row *row);

/* Operations (and controls) that have an answer in the whole box and none, or for a control another, in this column. */
size_t selftest_silent(const struct selftest_report *report, const struct selftest_column *column);

/* Why it is accepted that, under this boundary, one layer alone refuses an operation; NULL when
 * nobody wrote it down. SECURITY.md quotes these. */
const char *selftest_residual(uint32_t claimant, const struct attempt_row *row, enum layer layer);

/* 0 when nothing forbidden was possible, every control worked and no operation hangs on a single
 * layer without a reason; else 1. */
int selftest_code(const struct selftest_report *report);
