/* The table, the matrix and the summary, as text and as JSON. Judges nothing itself. */
#include "judge/selftest_show.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { ID_COLUMN = 2, OUTCOME_COLUMN = 24 };

static const struct {
	const char *word, *colour;
} cells[CELLS] = {
	[CELL_UNTRIED] = { "untried", "" },
	[CELL_HELD] = { "refused", "\033[32m" },
	[CELL_POSSIBLE] = { "ALLOWED", "\033[1;31m" },
	[CELL_WORKS] = { "works", "\033[32m" },
	[CELL_BROKEN] = { "BROKEN", "\033[1;31m" },
	[CELL_NOT_APPLICABLE] = { "n/a", "\033[2m" },
	[CELL_ENGINE] = { "engine", "" },
	[CELL_KERNEL] = { "answered", "" },
	[CELL_UNKNOWN] = { "UNKNOWN", "\033[1;33m" },
};

/* "EPERM", "SIGSYS", or "" */
static void format_cause(const struct selftest_record *record, char *out, size_t cap)
{
	const char *name = NULL;

	if (record->sys && record->kind == OUTCOME_KILLED) {
		name = sigabbrev_np(record->sys);
		snprintf(out, cap, "SIG%s", name ? name : "?");
		return;
	}
	if (record->sys)
		name = strerrorname_np(record->sys);
	snprintf(out, cap, "%s", name ? name : "");
}

/* What an outcome says beyond its cause; the reason of what is not claimed comes first. */
static const char *remark(const struct selftest_report *report, const struct attempt_row *row,
			  enum selftest_cell cell)
{
	const struct selftest_record *const record = &report->pass.records[attempt_index(row)];
	const char *why = "";

	if (cell == CELL_NOT_APPLICABLE && record->kind == OUTCOME_ALLOWED)
		selftest_claims(&report->scope, row, &why);
	else if (cell == CELL_NOT_APPLICABLE && record->kind != OUTCOME_SKIPPED)
		why = "the question is refused";
	return *why ? why : record->detail;
}

static void add_row(const struct selftest_report *report, const struct attempt_row *row,
		    bool colour, struct str *out)
{
	const struct selftest_record *const record = &report->pass.records[attempt_index(row)];
	const enum selftest_cell cell = selftest_cell(&report->scope, row, record);
	const char *const note = remark(report, row, cell);
	char cause[24];

	format_cause(record, cause, sizeof(cause));
	str_pad(out, ID_COLUMN);
	str_add(out, row->id);
	str_pad(out, OUTCOME_COLUMN);
	str_addf(out, "%s%-9s%s", colour ? cells[cell].colour : "", cells[cell].word,
		 colour && *cells[cell].colour ? "\033[0m" : "");
	/* Escapes take no room on the screen, so padding must not count them. */
	str_addf(out, " %-15s %s", cell == CELL_HELD ? cause : "", row->what);
	if (*note)
		str_addf(out, " (%s)", note);
	str_add(out, "\n");
}

static bool is_shown(const struct selftest_report *report, const struct attempt_row *row)
{
	return selftest_cell(&report->scope, row, &report->pass.records[attempt_index(row)]) !=
	       CELL_UNTRIED;
}

static void add_table(const struct selftest_report *report, bool colour, struct str *out)
{
	uint32_t group = GROUPS;

	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);

		if (!is_shown(report, row))
			continue;
		if (row->group != group)
			str_addf(out, "\n%s\n",
				 attempt_group_title((enum attempt_group)row->group));
		group = row->group;
		add_row(report, row, colour, out);
	}
}

/* One letter a column: 'a' is the first layer taken away. */
static char letter(size_t column)
{
	return (char)(column < 26 ? 'a' + column : 'A' + (column - 26));
}

static char cell_letter(const struct selftest_report *report, const struct selftest_column *column,
			const struct attempt_row *row)
{
	const struct selftest_record *record;

	if (!column->pass.records)
		return ' ';
	record = &column->pass.records[attempt_index(row)];
	if (selftest_opens(report, column, row))
		return selftest_residual(report->scope.claimant, row, column->layer) ? 'x' : 'X';
	if (!selftest_tries(column, row))
		return ' ';
	if (record->kind == OUTCOME_NONE)
		return record->begun ? '?' : ' ';
	return record->kind == OUTCOME_SKIPPED ? '-' : '.';
}

static void add_cells(const struct selftest_report *report, struct str *out)
{
	str_pad(out, OUTCOME_COLUMN);
	for (size_t k = 0; k < report->n_columns; k++)
		str_addf(out, "%c", letter(k));
	str_add(out, "\n");
	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);
		const char *why;

		if (attempt_is_control(row) || !is_shown(report, row) ||
		    !selftest_claims(&report->scope, row, &why))
			continue;
		str_pad(out, ID_COLUMN);
		str_add(out, row->id);
		str_pad(out, OUTCOME_COLUMN);
		for (size_t k = 0; k < report->n_columns; k++)
			str_addf(out, "%c", cell_letter(report, &report->columns[k], row));
		str_add(out, "\n");
	}
}

static void add_column_summary(const struct selftest_report *report, size_t k, struct str *out)
{
	const struct selftest_column *const column = &report->columns[k];
	size_t n = 0;

	str_addf(out, "  %c without %s", letter(k), selftest_guard_name(column->layer));
	str_pad(out, OUTCOME_COLUMN);
	if (column->why.kind != ERR_NONE) {
		str_addf(out, "cannot be taken away: %s\n", column->why.text);
		return;
	}
	for (size_t i = 0; i < attempt_count(); i++)
		if (selftest_opens(report, column, attempt_at(i)))
			str_addf(out, "%s%s", n++ ? ", " : "becomes possible: ", attempt_at(i)->id);
	str_add(out, n ? "" : "nothing becomes possible");
	if (selftest_silent(report, column))
		str_addf(out, "; %zu WITHOUT AN ANSWER", selftest_silent(report, column));
	str_add(out, "\n");
}

static void add_singles(const struct selftest_report *report, struct str *out)
{
	for (size_t i = 0; i < attempt_count(); i++)
		for (size_t k = 0; k < report->n_columns; k++) {
			const struct attempt_row *const row = attempt_at(i);
			const enum layer layer = report->columns[k].layer;
			const char *const reason =
				selftest_residual(report->scope.claimant, row, layer);

			if (!selftest_opens(report, &report->columns[k], row))
				continue;
			str_addf(out, "  %s", row->id);
			str_pad(out, OUTCOME_COLUMN);
			str_addf(out, "only %s: %s\n", selftest_guard_name(layer),
				 reason ? reason :
					  "UNDOCUMENTED: add a second layer, or the reason");
		}
}

static void add_matrix(const struct selftest_report *report, struct str *out)
{
	str_add(out, "\neach layer taken away in turn: . still refused, x possible (a documented "
		     "residual), X possible,\n"
		     "- not applicable, ? no answer\n\n");
	add_cells(report, out);
	str_add(out, "\n");
	for (size_t k = 0; k < report->n_columns; k++)
		add_column_summary(report, k, out);
	str_add(out, report->scope.has_engine ? "\nwith the engine gone already: operations that one layer alone refuses\n" :
						"\noperations that one layer alone refuses\n");
	add_singles(report, out);
}

static void add_summary(const struct selftest_report *report, struct str *out)
{
	const struct selftest_count count = selftest_count(report);

	str_add(out, "\n");
	if (report->columns)
		str_addf(out, "%zu operations hang on one layer, %zu of them undocumented\n",
			 count.single, count.undocumented);
	if (count.silent)
		str_addf(out, "%zu cells of the matrix without an answer\n", count.silent);
	if (count.cells[CELL_BROKEN])
		str_addf(out, "%zu controls fail: a box that refuses everything proves nothing\n",
			 count.cells[CELL_BROKEN]);
	if (count.cells[CELL_UNKNOWN])
		str_addf(out, "%zu without an answer\n", count.cells[CELL_UNKNOWN]);
	if (count.cells[CELL_ENGINE])
		str_addf(out, "%zu are possible to native code in the jail, and to no guest: the engine alone\n",
			 count.cells[CELL_ENGINE]);
	if (count.cells[CELL_KERNEL])
		str_addf(out, "%zu are done by the boundary's own kernel, to nothing of the host's\n", count.cells[CELL_KERNEL]);
	str_addf(out, "%zu refused, %zu allowed, %zu not applicable\n", count.cells[CELL_HELD],
		 count.cells[CELL_POSSIBLE], count.cells[CELL_NOT_APPLICABLE]);
}

void selftest_text(const struct selftest_report *report, bool colour, struct str *out)
{
	str_addf(out, "policy %s, boundary %s, %d layers\n", report->policy_name, report->boundary,
		 __builtin_popcountll(report->scope.layers));
	if (report->scope.has_engine)
		str_add(out, "\nthe engine was taken away: native code tried this in its place, sealed as the engine seals itself;\n"
			     "rows of the last group were tried by a guest in the engine\n");
	add_table(report, colour, out);
	if (report->columns)
		add_matrix(report, out);
	add_summary(report, out);
}

static void put_layers(struct json *json, const char *key, uint64_t layers)
{
	json_put_array(json, key);
	for (; layers; layers &= layers - 1)
		json_put_text(json, NULL, layer_name((enum layer)__builtin_ctzll(layers)));
	json_put_end(json);
}

static void put_row(const struct selftest_report *report, const struct attempt_row *row,
		    struct json *json)
{
	const struct selftest_record *const record = &report->pass.records[attempt_index(row)];
	const enum selftest_cell cell = selftest_cell(&report->scope, row, record);
	char cause[24];
	const char *why;

	format_cause(record, cause, sizeof(cause));
	json_put_object(json, NULL);
	json_put_text(json, "id", row->id);
	json_put_text(json, "group", attempt_group_name((enum attempt_group)row->group));
	json_put_text(json, "what", row->what);
	json_put_text(json, "outcome", outcome_name(record->kind));
	json_put_text(json, "cause", *cause ? cause : NULL);
	json_put_text(json, "detail", *record->detail ? record->detail : NULL);
	json_put_text(json, "by", attempt_is_native(row) ? "native code" : "guest");
	json_put_bool(json, "claimed", selftest_claims(&report->scope, row, &why));
	json_put_text(json, "not_claimed", *why ? why : NULL);
	json_put_bool(json, "good",
		      cell == CELL_HELD || cell == CELL_WORKS || cell == CELL_NOT_APPLICABLE || cell == CELL_ENGINE ||
			      cell == CELL_KERNEL);
	put_layers(json, "layers", row->layers & report->scope.layers);
	json_put_end(json);
}

static void put_column(const struct selftest_report *report, const struct selftest_column *column,
		       struct json *json)
{
	json_put_object(json, NULL);
	json_put_text(json, "without", selftest_guard_name(column->layer));
	json_put_u64(json, "unanswered", selftest_silent(report, column));
	json_put_text(json, "error", column->why.kind != ERR_NONE ? column->why.text : NULL);
	json_put_array(json, "possible");
	for (size_t i = 0; i < attempt_count(); i++) {
		if (!selftest_opens(report, column, attempt_at(i)))
			continue;
		json_put_object(json, NULL);
		json_put_text(json, "id", attempt_at(i)->id);
		json_put_text(
			json, "residual",
			selftest_residual(report->scope.claimant, attempt_at(i), column->layer));
		json_put_end(json);
	}
	json_put_end(json);
	json_put_end(json);
}

static void put_summary(const struct selftest_report *report, struct json *json)
{
	const struct selftest_count count = selftest_count(report);

	json_put_object(json, "summary");
	json_put_u64(json, "refused", count.cells[CELL_HELD]);
	json_put_u64(json, "allowed", count.cells[CELL_POSSIBLE]);
	json_put_u64(json, "not_applicable", count.cells[CELL_NOT_APPLICABLE]);
	json_put_u64(json, "engine_alone", count.cells[CELL_ENGINE]);
	json_put_u64(json, "answered_inside", count.cells[CELL_KERNEL]);
	json_put_u64(json, "unknown", count.cells[CELL_UNKNOWN]);
	json_put_u64(json, "controls", count.cells[CELL_WORKS]);
	json_put_u64(json, "controls_failed", count.cells[CELL_BROKEN]);
	json_put_u64(json, "single_layer", count.single);
	json_put_u64(json, "undocumented", count.undocumented);
	json_put_u64(json, "unanswered", count.silent);
	json_put_end(json);
}

void selftest_json(const struct selftest_report *report, struct str *out)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_u64(&json, "schema", 1);
	json_put_text(&json, "policy", report->policy_name);
	json_put_text(&json, "boundary", report->boundary);
	put_layers(&json, "layers", report->scope.layers);
	json_put_bool(&json, "engine_taken_away", report->scope.has_engine);
	json_put_array(&json, "attempts");
	for (size_t i = 0; i < attempt_count(); i++)
		if (is_shown(report, attempt_at(i)))
			put_row(report, attempt_at(i), &json);
	json_put_end(&json);
	json_put_array(&json, "matrix");
	for (size_t k = 0; k < report->n_columns; k++)
		put_column(report, &report->columns[k], &json);
	json_put_end(&json);
	put_summary(report, &json);
	json_put_end(&json);
	json_put_line(&json);
	str_add(out, json_written(&json));
	json_done(&json);
}
