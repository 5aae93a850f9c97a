/* Findings and the data behind them, for people and as JSON. Judges nothing. */
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/json.h"
#include "base/opt.h"
#include "judge/lint.h"
#include "model/syscalls.h"

enum { CALL_COLUMN = 10, INDENT = 10, ID_COLUMN = 23 };

static const char *const colours[SEVERITIES] = {
	[SEVERITY_NONE] = "", [SEVERITY_INFO] = "\033[2m", [SEVERITY_LOW] = "\033[36m",
	[SEVERITY_MEDIUM] = "\033[33m", [SEVERITY_HIGH] = "\033[31m", [SEVERITY_CRITICAL] = "\033[1;31m",
};

static const char *const kinds[SUBJECT_KINDS] = {
	[SUBJECT_POLICY] = "policy", [SUBJECT_OCI] = "oci", [SUBJECT_SYSTEMD] = "systemd",
	[SUBJECT_BPF] = "bpf", [SUBJECT_PROCESS] = "process",
};

static bool is_shown(const struct finding *finding, enum severity min)
{
	return finding->severity >= min;
}

/* ---- for people ---- */

static void add_line(const char *label, const char *text, struct str *out)
{
	OWN(str) safe = STR_NONE;

	if (!text)
		return;
	clean_add(&safe, text);
	str_addf(out, "%*s%s", INDENT, "", label);
	opt_wrap(out, str_text(&safe), INDENT + 2);
}

static void add_place(const struct subject_line *line, struct str *out)
{
	OWN(str) text = STR_NONE;

	if (!line)
		return;
	if (line->line)
		str_addf(&text, "line %u: ", line->line);
	str_add(&text, line->text);
	add_line("from: ", str_text(&text), out);
}

static void add_others(const struct finding *finding, struct str *out)
{
	OWN(str) text = STR_NONE;

	for (size_t i = 1; i < finding->n_names; i++)
		str_addf(&text, "%s%s", i > 1 ? ", " : "", finding->names[i]);
	if (text.len)
		add_line("also: ", str_text(&text), out);
}

static void add_finding(const struct finding *finding, bool colour, struct str *out)
{
	OWN(str) eased = STR_NONE;

	str_addf(out, "%s%s%s", colour ? colours[finding->severity] : "", severity_name(finding->severity),
		 colour ? "\033[0m" : "");
	str_addf(out, "%*s", CALL_COLUMN - (int)strlen(severity_name(finding->severity)), "");
	str_add(out, finding->danger.id);
	if (finding->text)
		str_addf(out, "  %s", finding->text);
	str_add(out, "\n");
	if (finding->eased)
		str_addf(&eased, "%s", finding->eased);
	add_line("", finding->detail, out);
	add_line("", finding->danger.why, out);
	add_others(finding, out);
	add_line("severity: ", eased.len ? str_text(&eased) : NULL, out);
	add_line("record: ", finding->danger.record, out);
	add_line("tolerable: ", finding->danger.tolerable, out);
	add_place(finding->line, out);
	for (size_t i = 0; i < finding->n_edits; i++)
		add_line("fix: ", finding->edits[i], out);
}

static void add_documented(const struct lint_report *report, enum severity min, struct str *out)
{
	for (size_t i = 0; i < report->lint->n; i++) {
		const struct finding *const finding = &report->lint->findings[i];

		if (!finding->documented || !is_shown(finding, min))
			continue;
		str_addf(out, "documented  %s (%s)\n", finding->danger.id, severity_name(finding->severity));
		add_place(finding->line, out);
		add_line("why: ", finding->documented, out);
	}
}

/* "profile.json: 1 critical, 2 medium, 1 documented", or "no findings" */
static void add_summary(const struct lint_report *report, enum severity min, struct str *out)
{
	const struct lint *const lint = report->lint;
	size_t counts[SEVERITIES] = { 0 }, n_documented = 0, n_hidden = 0;
	const char *before = "";

	for (size_t i = 0; i < lint->n; i++) {
		n_documented += lint->findings[i].documented != NULL;
		n_hidden += !lint->findings[i].documented && !is_shown(&lint->findings[i], min);
		counts[lint->findings[i].severity] += !lint->findings[i].documented;
	}
	clean_add(out, report->subject->name);
	str_add(out, ": ");
	for (int severity = SEVERITY_CRITICAL; severity > SEVERITY_NONE; severity--) {
		if (!counts[severity])
			continue;
		str_addf(out, "%s%zu %s", before, counts[severity], severity_name((enum severity)severity));
		before = ", ";
	}
	if (!*before)
		str_add(out, lint->n_gaps ? "no findings in what could be judged" : "no findings");
	if (n_documented)
		str_addf(out, ", %zu documented", n_documented);
	if (n_hidden)
		str_addf(out, " (%zu not shown)", n_hidden);
	str_add(out, "\n");
}

static void add_assumed(uint32_t assumed, struct str *out)
{
	OWN(str) text = STR_NONE;

	for (unsigned bit = 0; bit < FACTS; bit++)
		if (assumed & 1u << bit)
			str_addf(&text, "%s%s", text.len ? ", " : "assumed: ", danger_fact_word(bit));
	if (text.len)
		opt_wrap(out, str_text(&text), INDENT + 2);
}

void lint_show(const struct lint_report *report, enum severity min, bool colour, struct str *out)
{
	const struct lint *const lint = report->lint;

	add_summary(report, min, out);
	add_assumed(lint->assumed, out);
	for (size_t i = 0; i < lint->n_gaps; i++) {
		OWN(str) gap = STR_NONE;

		str_add(&gap, "incomplete: ");
		clean_add(&gap, lint->gaps[i]);
		opt_wrap(out, str_text(&gap), INDENT + 2);
	}
	for (size_t i = 0; i < lint->n; i++)
		if (!lint->findings[i].documented && is_shown(&lint->findings[i], min)) {
			str_add(out, "\n");
			add_finding(&lint->findings[i], colour, out);
		}
	add_documented(report, min, out);
}

/* ---- as JSON ---- */

static void put_call(const struct finding *finding, struct json *json)
{
	if (!finding->has_call) {
		json_put_null(json, "call");
		return;
	}
	json_put_object(json, "call");
	json_put_text(json, "text", finding->text);
	json_put_bool(json, "refused", finding->is_refusal);
	json_put_u64(json, "arch", finding->call.arch);
	json_put_u64(json, "nr", (uint32_t)finding->call.nr);
	json_put_array(json, "args");
	/* As text: many readers keep no more than 53 bits of a number. */
	for (unsigned i = 0; i < 6; i++) {
		char arg[20];

		snprintf(arg, sizeof(arg), "%#llx", (unsigned long long)finding->call.args[i]);
		json_put_text(json, NULL, arg);
	}
	json_put_end(json);
	json_put_end(json);
}

static void put_place(const struct subject_line *line, struct json *json)
{
	if (!line) {
		json_put_null(json, "from");
		return;
	}
	json_put_object(json, "from");
	json_put_text(json, "text", line->text);
	if (line->line)
		json_put_u64(json, "line", line->line);
	if (line->column)
		json_put_u64(json, "column", line->column);
	json_put_end(json);
}

static void put_list(const char *key, const char *const *texts, size_t n, struct json *json)
{
	json_put_array(json, key);
	for (size_t i = 0; i < n; i++)
		json_put_text(json, NULL, texts[i]);
	json_put_end(json);
}

static void put_finding(const struct finding *finding, struct json *json)
{
	json_put_object(json, NULL);
	json_put_text(json, "id", finding->danger.id);
	json_put_text(json, "severity", severity_name(finding->severity));
	json_put_text(json, "eased", finding->eased);
	put_call(finding, json);
	put_list("calls", finding->names, finding->n_names, json);
	json_put_text(json, "detail", finding->detail);
	json_put_text(json, "why", finding->danger.why);
	json_put_text(json, "record", finding->danger.record);
	json_put_text(json, "tolerable", finding->danger.tolerable);
	put_place(finding->line, json);
	put_list("edits", finding->edits, finding->n_edits, json);
	json_put_text(json, "documented", finding->documented);
	json_put_end(json);
}

void lint_put_json(const struct lint_report *report, enum severity min, struct json *json)
{
	const struct lint *const lint = report->lint;

	json_put_text(json, "name", report->subject->name);
	json_put_text(json, "kind", kinds[report->subject->kind]);
	json_put_bool(json, "complete", !lint->n_gaps);
	put_list("gaps", lint->gaps, lint->n_gaps, json);
	json_put_array(json, "assumed");
	for (unsigned bit = 0; bit < FACTS; bit++)
		if (lint->assumed & 1u << bit)
			json_put_text(json, NULL, danger_fact_word(bit));
	json_put_end(json);
	json_put_array(json, "findings");
	for (size_t i = 0; i < lint->n; i++)
		if (is_shown(&lint->findings[i], min))
			put_finding(&lint->findings[i], json);
	json_put_end(json);
}

/* ---- the data ---- */

static void explain(const char *label, const char *text, struct str *out)
{
	if (!text)
		return;
	str_add(out, label);
	str_pad(out, INDENT + 2);
	opt_wrap(out, text, INDENT + 2);
}

static void explain_ease(const struct danger_ease *ease, struct str *out)
{
	OWN(str) text = STR_NONE;
	const char *before = "with ";

	str_addf(&text, "%s ", ease->to ? severity_name((enum severity)ease->to) : "no finding");
	for (unsigned bit = 0; bit < FACTS; bit++)
		if (ease->facts & 1u << bit) {
			str_addf(&text, "%s%s", before, danger_fact_text(bit));
			before = " and ";
		}
	if (ease->lacks != DANGER_ANY_CAPS)
		str_addf(&text, "%swithout the capability that the kernel asks for", *before == 'w' ? "" : before);
	if (ease->kernel)
		str_addf(&text, "from Linux %u.%u on", ease->kernel >> 16, ease->kernel >> 8 & 255);
	explain("", str_text(&text), out);
}

static void explain_calls(const struct danger *danger, struct str *out)
{
	OWN(str) text = STR_NONE;

	for (size_t i = 0; i < danger->n_reaches; i++) {
		const char *const name = syscalls_name(danger->reaches[i].nr);

		if (i && danger->reaches[i - 1].nr == danger->reaches[i].nr)
			continue;
		str_addf(&text, "%s%s", text.len ? ", " : "", name);
	}
	explain("calls", text.len ? str_text(&text) : "the filter as a whole", out);
}

void lint_explain(const struct danger *danger, struct str *out)
{
	OWN(str) keep = STR_NONE;

	str_addf(out, "%s\n", danger->id);
	explain("severity", severity_name(danger->severity), out);
	for (size_t i = 0; i < danger->n_eases; i++)
		explain_ease(&danger->eases[i], out);
	explain_calls(danger, out);
	explain("why", danger->why, out);
	explain("record", danger->record, out);
	explain("tolerable", danger->tolerable, out);
	explain("refusal", danger->errno_name, out);
	if (danger->keep)
		str_addf(&keep, "rules: {when: {%s}}", danger->keep_when);
	explain("ward", keep.len ? str_text(&keep) : danger->policy, out);
	explain("systemd", danger->systemd, out);
}

void lint_list_row(const struct danger *danger, struct str *out)
{
	str_addf(out, "%s", severity_name(danger->severity));
	str_pad(out, CALL_COLUMN);
	str_add(out, danger->id);
	str_pad(out, CALL_COLUMN + ID_COLUMN);
	opt_wrap(out, danger->why, CALL_COLUMN + ID_COLUMN);
}
