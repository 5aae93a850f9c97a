/* What is wrong with a filter: the danger data asked of the argument regions that it lets through, each
 * answer with the call that proves it. Runs nothing, prints nothing. */
#pragma once

#include <linux/seccomp.h>

#include "base/err.h"
#include "base/str.h"
#include "judge/danger.h"
#include "model/subject.h"

struct finding {
	struct danger danger;
	enum severity severity;         /* in these surroundings */
	bool is_refusal;                /* the filters refuse the call, and should not, or not so */
	bool has_call;
	struct seccomp_data call;       /* the filters let it through, unless is_refusal */
	const char *text;               /* the call, for people: "ioctl(0, TIOCSTI, 0)"; NULL: none */
	const char *detail;             /* what is special here, NULL: nothing */
	const char *eased;              /* why the severity is not the entry's, NULL: it is */
	const char **names;             /* all calls it is about, that of the example first */
	const char **edits;             /* the smallest changes that end it, in the source's terms */
	size_t n_names, n_edits;
	const struct subject_line *line;        /* that lets it in; NULL: the source has no lines */
	const char *documented;         /* the comment that says why it is meant to be so; NULL: none */
};

struct lint {
	struct finding *findings;       /* worst first; then in the order of the data, then of the source */
	size_t n, cap;
	const char **gaps;              /* why the analysis is incomplete; none: it is complete */
	size_t n_gaps, cap_gaps;
	uint32_t assumed;               /* facts the subject does not know of (FACT_*) */
	struct arena arena;
};
#define LINT_NONE ((struct lint){ .findings = NULL })
void lint_done(struct lint *lint);

/* Asks everything.
 *
 * subject  outlives the answer
 * assumed  facts of the surroundings (FACT_*) that are taken for given beside those the subject knows
 * Errors: ERR_USAGE when a filter is none. A filter that is too large is a gap, not an error. */
MUST_USE int lint_run(const struct subject *subject, uint32_t assumed, struct lint *out, struct err *e);

/* The same within another budget than REGIONS_NODES. */
MUST_USE int lint_run_within(const struct subject *subject, uint32_t assumed, size_t nodes, struct lint *out,
			     struct err *e);

/* Findings that count: undocumented ones at or above a severity. */
size_t lint_count(const struct lint *lint, enum severity at_least);

/* One answer among several. */
struct lint_report {
	const struct subject *subject;
	const struct lint *lint;
};

/* The findings from `min` on. Each adds to *out: for people, as the members of one JSON object, and all
 * reports together as one SARIF 2.1.0 document (OASIS, sarif-v2.1.0-errata01). */
struct json;
void lint_show(const struct lint_report *report, enum severity min, bool colour, struct str *out);
void lint_put_json(const struct lint_report *report, enum severity min, struct json *json);
void lint_put_sarif(const struct lint_report *reports, size_t n, enum severity min, struct json *json);

/* An entry in full, and a line of the list of all. */
void lint_explain(const struct danger *danger, struct str *out);
void lint_list_row(const struct danger *danger, struct str *out);
