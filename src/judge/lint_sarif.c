/* Findings as SARIF 2.1.0, for tools that show them beside the source. Source: OASIS
 * sarif-v2.1.0-errata01; property names are theirs. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "judge/lint.h"

/* What a level means to their tools, and the score GitHub sorts by. */
static const struct {
	const char *level, *score;
} levels[SEVERITIES] = {
	[SEVERITY_NONE] = { "none", "0.0" }, [SEVERITY_INFO] = { "note", "1.0" },
	[SEVERITY_LOW] = { "note", "3.0" }, [SEVERITY_MEDIUM] = { "warning", "5.5" },
	[SEVERITY_HIGH] = { "error", "8.0" }, [SEVERITY_CRITICAL] = { "error", "9.5" },
};

static void put_message(const char *key, const char *text, struct json *json)
{
	json_put_object(json, key);
	json_put_text(json, "text", text);
	json_put_end(json);
}

static void put_rule(const struct danger *danger, struct json *json)
{
	OWN(str) help = STR_NONE;

	str_addf(&help, "Tolerable: %s.", danger->tolerable);
	if (danger->record)
		str_addf(&help, " Record: %s.", danger->record);
	json_put_object(json, NULL);
	json_put_text(json, "id", danger->id);
	put_message("shortDescription", danger->why, json);
	put_message("help", str_text(&help), json);
	json_put_object(json, "defaultConfiguration");
	json_put_text(json, "level", levels[danger->severity].level);
	json_put_end(json);
	json_put_object(json, "properties");
	json_put_text(json, "security-severity", levels[danger->severity].score);
	json_put_array(json, "tags");
	json_put_text(json, NULL, "security");
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
}

static void put_driver(struct json *json)
{
	struct danger danger;

	json_put_object(json, "tool");
	json_put_object(json, "driver");
	json_put_text(json, "name", "ward lint");
	json_put_text(json, "semanticVersion", WARD_VERSION);
	json_put_array(json, "rules");
	for (size_t i = 0; danger_at(i, &danger); i++)
		put_rule(&danger, json);
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
}

static size_t index_of(const char *id)
{
	struct danger danger;
	size_t i = 0;

	while (danger_at(i, &danger) && strcmp(danger.id, id) != 0)
		i++;
	return i;
}

/* A path as the path of a relative or absolute URI reference (RFC 3986, section 3.3). */
static void put_uri(const char *path, struct json *json)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	OWN(str) uri = STR_NONE;

	for (; *path; path++) {
		if (strchr(plain, *path))
			str_add_bytes(&uri, path, 1);
		else
			str_addf(&uri, "%%%02X", (unsigned char)*path);
	}
	json_put_text(json, "uri", str_text(&uri));
}

/* Policies that are built in and processes have no file. */
static bool has_file(const struct subject *subject)
{
	return strchr(subject->name, '/') || strchr(subject->name, '.');
}

static void put_location(const struct lint_report *report, const struct finding *finding, struct json *json)
{
	const struct subject_line *const line = finding->line;

	json_put_array(json, "locations");
	json_put_object(json, NULL);
	if (has_file(report->subject)) {
		json_put_object(json, "physicalLocation");
		json_put_object(json, "artifactLocation");
		put_uri(report->subject->name, json);
		json_put_end(json);
		json_put_object(json, "region");
		json_put_u64(json, "startLine", line && line->line ? line->line : 1);
		if (line && line->line && line->column)
			json_put_u64(json, "startColumn", line->column);
		json_put_end(json);
		json_put_end(json);
	}
	json_put_array(json, "logicalLocations");
	json_put_object(json, NULL);
	json_put_text(json, "fullyQualifiedName", line ? line->text : report->subject->name);
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
}

static void add_sentence(const char *label, const char *text, struct str *out)
{
	if (text)
		str_addf(out, "%s%s%s.", out->len ? " " : "", label, text);
}

static void put_result(const struct lint_report *report, const struct finding *finding, struct json *json)
{
	OWN(str) message = STR_NONE;

	add_sentence("", finding->text, &message);
	add_sentence("", finding->detail, &message);
	str_addf(&message, "%s%s", message.len ? " " : "", finding->danger.why);
	for (size_t i = 0; i < finding->n_edits; i++)
		add_sentence("Fix: ", finding->edits[i], &message);
	json_put_object(json, NULL);
	json_put_text(json, "ruleId", finding->danger.id);
	json_put_u64(json, "ruleIndex", index_of(finding->danger.id));
	json_put_text(json, "level", levels[finding->severity].level);
	put_message("message", str_text(&message), json);
	put_location(report, finding, json);
	if (finding->documented) {
		json_put_array(json, "suppressions");
		json_put_object(json, NULL);
		json_put_text(json, "kind", "inSource");
		json_put_text(json, "justification", finding->documented);
		json_put_end(json);
		json_put_end(json);
	}
	json_put_object(json, "properties");
	json_put_text(json, "severity", severity_name(finding->severity));
	json_put_text(json, "security-severity", levels[finding->severity].score);
	json_put_end(json);
	json_put_end(json);
}

/* A gap makes the run one that did not do its work. */
static void put_invocation(const struct lint_report *reports, size_t n, struct json *json)
{
	bool is_complete = true;

	for (size_t i = 0; i < n; i++)
		is_complete &= !reports[i].lint->n_gaps;
	json_put_array(json, "invocations");
	json_put_object(json, NULL);
	json_put_bool(json, "executionSuccessful", is_complete);
	json_put_array(json, "toolExecutionNotifications");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < reports[i].lint->n_gaps; j++) {
			json_put_object(json, NULL);
			json_put_text(json, "level", "error");
			put_message("message", reports[i].lint->gaps[j], json);
			json_put_end(json);
		}
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
}

void lint_put_sarif(const struct lint_report *reports, size_t n, enum severity min, struct json *json)
{
	json_put_object(json, NULL);
	json_put_text(json, "$schema",
		      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
		      "sarif-schema-2.1.0.json");
	json_put_text(json, "version", "2.1.0");
	json_put_array(json, "runs");
	json_put_object(json, NULL);
	put_driver(json);
	put_invocation(reports, n, json);
	json_put_array(json, "results");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < reports[i].lint->n; j++)
			if (reports[i].lint->findings[j].severity >= min)
				put_result(&reports[i], &reports[i].lint->findings[j], json);
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
	json_put_end(json);
	json_put_line(json);
}
