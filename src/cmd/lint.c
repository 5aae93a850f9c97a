/* `ward lint`: what is wrong with a filter, with the call that proves it. Reads and judges, runs nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/command.h"
#include "cmd/say.h"
#include "cmd/subject_find.h"
#include "judge/lint.h"

enum lint_id { LINT_FAIL_ON = FOUND_IDS, LINT_MIN, LINT_FORMAT, LINT_ASSUME, LINT_EXPLAIN, LINT_LIST };
static const struct opt options[] = {
	FOUND_ROWS,
	{ .name = "assume", .kind = OPT_VALUE, .arg = "FACT,...", .group = "Judgement", .id = LINT_ASSUME,
	  .words = "container|own-user|own-pid|own-net|own-mount|own-ipc|own-uts|own-terminal|landlock|mdwe|"
		   "no-caps|memory-limit|pids-limit",
	  .help = "what holds around the filter and cannot be seen in it; `container` is all namespaces but "
		  "the user's and a terminal of its own, and is assumed of OCI profiles; `nothing` undoes that" },
	{ .name = "fail-on", .kind = OPT_VALUE, .arg = SEVERITY_WORDS, .group = "Judgement",
	  .words = SEVERITY_WORDS, .id = LINT_FAIL_ON,
	  .help = "exit 1 for findings from this severity on (high)" },
	{ .name = "min", .kind = OPT_VALUE, .arg = SEVERITY_WORDS, .group = "Output",
	  .words = SEVERITY_WORDS, .id = LINT_MIN, .help = "show findings from this severity on (info)" },
	{ .name = "format", .kind = OPT_VALUE, .arg = "text|json|sarif", .group = "Output",
	  .words = "text|json|sarif", .id = LINT_FORMAT, .help = "how to show them" },
	{ .name = "explain", .kind = OPT_VALUE, .arg = "ID", .group = "Output", .id = LINT_EXPLAIN,
	  .help = "print one entry of the data in full, and stop" },
	{ .name = "list", .group = "Output", .id = LINT_LIST, .help = "print all entries, and stop" },
	COMMAND_HELP,
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF };

/* One operand. Filled in place, like what it holds. */
struct judged {
	struct found found;
	struct lint lint;
	bool is_readable;
};

struct linting {
	enum severity fail_on, min;
	enum format format;
	bool has_assumed;
	uint32_t assumed;
	struct judged *judged;
	size_t n;
};

static void linting_done(struct linting *linting)
{
	for (size_t i = 0; i < linting->n; i++) {
		lint_done(&linting->judged[i].lint);
		found_done(&linting->judged[i].found);
	}
	free(linting->judged);
}

/* ---- options ---- */

static int read_severity(const struct args *args, int id, enum severity *out, struct err *e)
{
	const struct opt_hit *const hit = args_find(args, id);
	const int severity = hit ? severity_find(hit->value) : (int)*out;

	if (severity < 0)
		return err_set(e, ERR_USAGE, "--%s: '%.40s' is no severity: one of %s", hit->opt->name,
			       hit->value, SEVERITY_WORDS);
	*out = (enum severity)severity;
	return 0;
}

static int read_format(const struct args *args, enum format *out, struct err *e)
{
	static const char *const names[] = { [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json",
					     [FORMAT_SARIF] = "sarif" };
	const struct opt_hit *const hit = args_find(args, LINT_FORMAT);

	for (size_t i = 0; hit && i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], hit->value) == 0) {
			*out = (enum format)i;
			return 0;
		}
	return hit ? err_set(e, ERR_USAGE, "--format: '%.40s' is none: text, json or sarif", hit->value) : 0;
}

#define IN_CONTAINER \
	(FACT_OWN_PID | FACT_OWN_NET | FACT_OWN_MOUNT | FACT_OWN_IPC | FACT_OWN_UTS | FACT_OWN_TERMINAL)

/* Words for more or less than one fact. */
static const struct {
	const char *word;
	uint32_t facts;
} bundles[] = { { "container", IN_CONTAINER }, { "nothing", 0 } };

static bool is_word(const char *word, const char *at, size_t len)
{
	return strlen(word) == len && memcmp(word, at, len) == 0;
}

static int refuse_fact(const char *word, size_t len, struct err *e)
{
	char name[40] = "";
	struct str_near near = STR_NEAR(name);

	memcpy(name, word, len < sizeof(name) ? len : sizeof(name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
		str_near_offer(&near, bundles[i].word);
	for (unsigned bit = 0; bit < FACTS; bit++)
		str_near_offer(&near, danger_fact_word(bit));
	return err_set(e, ERR_USAGE, "--assume: '%s' is nothing that can be assumed (did you mean '%s'?)", name,
		       str_near_best(&near) ?: bundles[0].word);
}

static int add_fact(const char *word, size_t len, uint32_t *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
		if (is_word(bundles[i].word, word, len)) {
			*out |= bundles[i].facts;
			return 0;
		}
	for (unsigned bit = 0; bit < FACTS; bit++)
		if (is_word(danger_fact_word(bit), word, len)) {
			*out |= 1u << bit;
			return 0;
		}
	return refuse_fact(word, len, e);
}

static int read_facts(const struct args *args, uint32_t *out, struct err *e)
{
	for (size_t i = 0; i < args->n_hits; i++) {
		const char *at = args->hits[i].value;

		if (args->hits[i].opt->id != LINT_ASSUME)
			continue;
		for (;; at++) {
			const size_t len = strcspn(at, ",");

			if (add_fact(at, len, out, e) < 0)
				return -1;
			at += len;
			if (!*at)
				break;
		}
	}
	return 0;
}

static int read_options(const struct args *args, struct linting *out, struct err *e)
{
	if (read_severity(args, LINT_FAIL_ON, &out->fail_on, e) < 0 ||
	    read_severity(args, LINT_MIN, &out->min, e) < 0 ||
	    read_format(args, &out->format, e) < 0)
		return -1;
	out->has_assumed = args_has(args, LINT_ASSUME);
	return read_facts(args, &out->assumed, e);
}

/* ---- the data itself ---- */

static int explain(const char *id, struct str *out, struct err *e)
{
	struct str_near near = STR_NEAR(id);
	struct danger danger;

	if (danger_find(id, &danger)) {
		lint_explain(&danger, out);
		return 0;
	}
	for (size_t i = 0; danger_at(i, &danger); i++)
		str_near_offer(&near, danger.id);
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "--explain: there is no entry '%.40s' (did you mean '%s'?)", id,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "--explain: there is no entry '%.40s'; --list prints them", id);
}

static int show_data(const struct args *args, struct err *e)
{
	const struct opt_hit *const id = args_find(args, LINT_EXPLAIN);
	OWN(str) out = STR_NONE;
	struct danger danger;

	if (id && explain(id->value, &out, e) < 0)
		return -1;
	for (size_t i = 0; !id && danger_at(i, &danger); i++)
		lint_list_row(&danger, &out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

/* ---- judging ---- */

/* A profile of this form is for containers, and engines give each its namespaces unless they are told
 * otherwise. */
static uint32_t assumed_of(const struct linting *linting, const struct subject *subject)
{
	return subject->kind == SUBJECT_OCI && !linting->has_assumed ? IN_CONTAINER : linting->assumed;
}

static int judge(const struct args *args, const char *word, const struct linting *linting,
		 struct judged *out, struct err *e)
{
	if (subject_find(args, word, &out->found, e) < 0)
		return -1;
	if (lint_run(&out->found.subject, assumed_of(linting, &out->found.subject), &out->lint, e) < 0)
		return err_add(e, "%s", out->found.subject.name);
	out->is_readable = true;
	return 0;
}

/* What cannot be read is said at once, and the others are judged all the same. */
static void judge_all(const struct args *args, struct linting *linting)
{
	linting->n = args->n_operands ? args->n_operands : 1;
	linting->judged = mem_alloc(linting->n * sizeof(*linting->judged));
	for (size_t i = 0; i < linting->n; i++) {
		struct judged *const judged = &linting->judged[i];
		struct err why = ERR_INIT;

		judged->found = FOUND_NONE;
		judged->lint = LINT_NONE;
		if (judge(args, args->n_operands ? args->operands[i] : NULL, linting, judged, &why) < 0)
			say(SAY_ERROR, "lint: %s", why.text);
	}
}

static size_t list_reports(const struct linting *linting, struct lint_report *out)
{
	size_t n = 0;

	for (size_t i = 0; i < linting->n; i++)
		if (linting->judged[i].is_readable)
			out[n++] = (struct lint_report){ .subject = &linting->judged[i].found.subject,
							 .lint = &linting->judged[i].lint };
	return n;
}

static void write_json(const struct linting *linting, const struct lint_report *reports, size_t n,
		       struct json *json)
{
	size_t failing = 0;

	json_put_object(json, NULL);
	json_put_text(json, "schema", "ward.lint.1");
	json_put_text(json, "fail_on", severity_name(linting->fail_on));
	json_put_array(json, "subjects");
	for (size_t i = 0; i < n; i++) {
		failing += lint_count(reports[i].lint, linting->fail_on);
		json_put_object(json, NULL);
		lint_put_json(&reports[i], linting->min, json);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_u64(json, "failing", failing);
	json_put_end(json);
	json_put_line(json);
}

static int show(const struct linting *linting, struct err *e)
{
	OWN_MEM struct lint_report *reports = mem_alloc(linting->n * sizeof(*reports));
	const size_t n = list_reports(linting, reports);
	const bool colour = say_colour(STDOUT_FILENO);
	OWN(json) json = JSON_NONE;
	OWN(str) out = STR_NONE;

	if (linting->format == FORMAT_SARIF)
		lint_put_sarif(reports, n, linting->min, &json);
	else if (linting->format == FORMAT_JSON)
		write_json(linting, reports, n, &json);
	for (size_t i = 0; linting->format == FORMAT_TEXT && i < n; i++) {
		str_add(&out, i ? "\n" : "");
		lint_show(&reports[i], linting->min, colour, &out);
	}
	return say_out(STDOUT_FILENO, "standard output", linting->format == FORMAT_TEXT ? &out : &json.out, e);
}

/* The worst of all operands: unreadable, incomplete, findings. */
static int code_of(const struct linting *linting)
{
	int code = 0;

	for (size_t i = 0; i < linting->n; i++) {
		const struct judged *const judged = &linting->judged[i];

		if (!judged->is_readable)
			return CODE_USAGE;
		if (judged->lint.n_gaps)
			code = CODE_INCOMPLETE;
		else if (!code && lint_count(&judged->lint, linting->fail_on))
			code = CODE_FINDINGS;
	}
	return code;
}

int command_lint_run(struct args *args, struct err *e)
{
	OWN(linting) linting = { .fail_on = SEVERITY_HIGH, .min = SEVERITY_INFO };

	if (args_has(args, LINT_EXPLAIN) || args_has(args, LINT_LIST))
		return show_data(args, e);
	if (read_options(args, &linting, e) < 0)
		return -1;
	judge_all(args, &linting);
	if (show(&linting, e) < 0)
		return -1;
	return code_of(&linting);
}

const struct command command_lint = {
	.name = "lint",
	.summary = "find what is wrong with a system call filter, with the call that proves it",
	.usage = "[option]... [NAME|FILE]...",
	.about = "Judges policies and filters of other tools by what they let through. Each finding has a call "
		 "that passes the filter, why it matters, and the smallest edit that ends it. A comment "
		 "`# why: reason` on the line of the policy documents a finding and silences it; `# why: ID: "
		 "reason` silences that entry alone. The exit code is 0 without findings from --fail-on on, 1 "
		 "with some, 2 when something cannot be read, 3 when the analysis is incomplete.",
	.options = options,
	.trouble = CODE_USAGE,
};
