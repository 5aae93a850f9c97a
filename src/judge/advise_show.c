/* The advice as text and as JSON. Judges nothing itself. */
#include "judge/advise.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/opt.h"

enum { WORD_COLUMN = 2, TEXT_COLUMN = 13, CELL_WIDTH = 8 };

static void add_line(struct str *out, const char *word, const char *text)
{
	str_pad(out, WORD_COLUMN);
	str_add(out, word);
	str_pad(out, TEXT_COLUMN);
	opt_wrap(out, text, TEXT_COLUMN);
}

static void add_threat(const struct advice *advice, struct str *out)
{
	static const struct {
		const char *word;
		enum threat_field field;
	} lines[] = {
		{ "code", THREAT_FORM }, { "author", THREAT_AUTHOR }, { "attacker", THREAT_CONTROLS },
		{ "at stake", THREAT_STAKE }, { "tenants", THREAT_TENANTS }, { "needs", THREAT_NEEDS },
	};
	const struct threat *const threat = advice->of->threat;

	str_addf(out, "threat model%s%s\n", threat->name ? " " : "", threat->name ? threat->name : "");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		OWN(str) words = STR_NONE;

		threat_list(threat, lines[i].field, &words);
		if (lines[i].field == THREAT_CONTROLS)
			str_add(&words, threat->words & threat_row(THREAT_CONTROLS)->words ?
						" decided by whoever may mean harm" :
						" of it decided by anybody who means harm");
		add_line(out, lines[i].word, str_text(&words));
	}
	for (size_t i = 0; i < THREAT_WORDS; i++)
		if ((threat->words & threat_row(THREAT_POWER)->words) & WORD_BIT(i))
			add_line(out, threat_meaning((enum threat_word)i)->word,
				 threat_meaning((enum threat_word)i)->meaning);
	add_line(out, "", advice->power_why);
}

static void add_budget(const struct advice *advice, int boundary, struct str *out)
{
	const struct advise_row *const row = &advice->rows[boundary];
	const struct threat *const threat = advice->of->threat;
	OWN(str) text = STR_NONE;

	if (!row->is_slow && !row->is_large)
		return;
	str_add(&text, "its figures are above what may be spent (");
	if (row->is_slow) {
		figures_time(row->figure.start_p99_us, &text);
		str_addf(&text, " to start, %" PRIu64 " ms wanted%s", threat->start_ms,
			 row->is_large ? "; " : "");
	}
	if (row->is_large) {
		figures_memory(row->figure.idle_bytes, &text);
		str_addf(&text, " a box, %" PRIu64 " in a GiB wanted", threat->density);
	}
	str_add(&text, "): keep boxes started ahead of need, or bring the code in a form that needs less; "
		       "what contains less is not offered instead");
	add_line(out, "cost", str_text(&text));
}

static void add_answer(const struct advice *advice, struct str *out)
{
	const char *missing;

	if (advice->chosen < 0) {
		str_add(out, "\nadvice: none of the boundaries\n");
		add_line(out, "", advice->impossible);
		return;
	}
	str_addf(out, "\nadvice: %s\n", strength_of(advice->chosen)->name);
	add_line(out, "why", "the cheapest that holds all it has to; to reach the host the attacker has to break:");
	add_line(out, "", strength_of(advice->chosen)->breaks);
	add_budget(advice, advice->chosen, out);
	missing = advice->of->missing[advice->chosen];
	if (!missing)
		return;
	add_line(out, "NOT HERE", missing);
	add_line(out, "", "nothing weaker takes its place: until it is there, do not run this code here");
}

static void add_fails(const struct advise_row *row, int boundary, struct str *out)
{
	OWN(str) lacks = STR_NONE;

	for (size_t i = 0; i < PROPERTIES; i++) {
		OWN(str) text = STR_NONE;

		if (!row->fails[i])
			continue;
		str_addf(&text, "%s; %s", strength_because(boundary, (enum property)i), row->fails[i]->why);
		add_line(out, property_name((enum property)i), str_text(&text));
	}
	if (!row->lacks)
		return;
	advise_lacks(row, &lacks);
	str_addf(&lacks, ": %s", strength_of(boundary)->cannot);
	add_line(out, "", str_text(&lacks));
}

static void add_proposal(const struct advice *advice, struct str *out)
{
	const int proposed = advice->of->proposed;
	const char *verdict = "contains this attacker";

	if (proposed < 0)
		return;
	if (advice->is_refused)
		verdict = advice->rows[proposed].contains ? "cannot run this" : "REFUSED: it does not contain this attacker";
	str_addf(out, "\nproposed: %s: %s\n", strength_of(proposed)->name, verdict);
	add_fails(&advice->rows[proposed], proposed, out);
	if (!advice->is_refused && proposed != advice->chosen)
		add_line(out, "", "and more than it has to; the advised boundary costs less");
	if (!advice->is_refused && advice->of->missing[proposed])
		add_line(out, "NOT HERE", advice->of->missing[proposed]);
}

static void add_demands(const struct advice *advice, struct str *out)
{
	str_add(out, "\nit has to hold against\n");
	for (size_t i = 0; i < PROPERTIES; i++) {
		OWN(str) text = STR_NONE;

		if (!advice->demands[i])
			continue;
		str_addf(&text, "%s%s: %s", property_attack((enum property)i),
			 advice->demands[i]->least == HOLDS_PARTLY ? ", at least partly" : "",
			 advice->demands[i]->why);
		add_line(out, property_name((enum property)i), str_text(&text));
	}
}

static void add_strengths(const struct advice *advice, struct str *out)
{
	str_add(out, "\nholds");
	for (size_t p = 0; p < PROPERTIES; p++) {
		str_pad(out, TEXT_COLUMN + p * CELL_WIDTH);
		str_add(out, property_name((enum property)p));
	}
	str_add(out, "\n");
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		const int boundary = strength_by_cost(i);

		str_pad(out, WORD_COLUMN);
		str_add(out, strength_of(boundary)->name);
		for (size_t p = 0; p < PROPERTIES; p++) {
			str_pad(out, TEXT_COLUMN + p * CELL_WIDTH);
			str_addf(out, "%s%s", holds_name(strength_holds(boundary, (enum property)p)),
				 advice->rows[boundary].fails[p] ? " !" : "");
		}
		str_add(out, "\n");
	}
	str_add(out, "  ! is less than it has to hold\n");
}

static const char *verdict_of(const struct advise_row *row)
{
	if (!row->contains)
		return "no";
	return row->serves ? "yes" : "cannot run it";
}

static void add_costs(const struct advice *advice, struct str *out)
{
	enum { CONTAINS = TEXT_COLUMN, START = 27, TAIL = 38, IDLE = 49, FROM = 60 };

	str_add(out, "\ncosts");
	str_pad(out, CONTAINS);
	str_add(out, "contains");
	str_pad(out, START);
	str_add(out, "start p50");
	str_pad(out, TAIL);
	str_add(out, "start p99");
	str_pad(out, IDLE);
	str_add(out, "idle box\n");
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		const int boundary = strength_by_cost(i);
		const struct advise_row *const row = &advice->rows[boundary];

		str_pad(out, WORD_COLUMN);
		str_add(out, strength_of(boundary)->name);
		str_pad(out, CONTAINS);
		str_add(out, verdict_of(row));
		str_pad(out, START);
		figures_time(row->figure.start_p50_us, out);
		str_pad(out, TAIL);
		figures_time(row->figure.start_p99_us, out);
		str_pad(out, IDLE);
		figures_memory(row->figure.idle_bytes, out);
		str_pad(out, FROM);
		str_addf(out, "%s%s\n", advise_origin(&row->figure), advice->of->missing[boundary] ? "; not here" : "");
	}
	if (advice->of->figures && advice->of->figures->host)
		add_line(out, "measured", advice->of->figures->host);
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		if (advice->rows[i].figure.source)
			add_line(out, strength_of(i)->name, advice->rows[i].figure.source);
}

static void add_texts(const char *title, const struct advise_text *texts, size_t n, struct str *out)
{
	if (n)
		str_addf(out, "\n%s\n", title);
	for (size_t i = 0; i < n; i++) {
		OWN(str) text = STR_NONE;

		str_addf(&text, "%s: %s", texts[i].what, texts[i].how);
		str_add(out, "  - ");
		opt_wrap(out, str_text(&text), 4);
	}
}

void advise_text(const struct advice *advice, struct str *out)
{
	add_threat(advice, out);
	add_answer(advice, out);
	add_proposal(advice, out);
	add_demands(advice, out);
	add_strengths(advice, out);
	add_costs(advice, out);
	add_texts("layer it with", advice->around, advice->n_around, out);
	add_texts("the policy falls short", advice->gaps, advice->n_gaps, out);
	add_texts("what remains", advice->remains, advice->n_remains, out);
}

static void put_words(struct json *json, const char *key, uint64_t words)
{
	json_put_array(json, key);
	for (size_t i = 0; i < THREAT_WORDS; i++)
		if (words & WORD_BIT(i))
			json_put_text(json, NULL, threat_meaning((enum threat_word)i)->word);
	json_put_end(json);
}

static void put_threat(struct json *json, const struct threat *threat)
{
	json_put_object(json, "threat");
	json_put_text(json, "name", threat->name);
	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const struct threat_row *const row = threat_row((enum threat_field)i);
		OWN(str) word = STR_NONE;

		if (row->kind == THREAT_SET) {
			put_words(json, row->path, threat->words & row->words);
		} else if (row->words) {
			threat_list(threat, (enum threat_field)i, &word);
			json_put_text(json, row->path, str_text(&word));
		}
	}
	json_put_u64(json, "cost.start_ms", threat->start_ms);
	json_put_u64(json, "cost.density", threat->density);
	json_put_end(json);
}

static void put_row(struct json *json, const struct advice *advice, int boundary)
{
	const struct advise_row *const row = &advice->rows[boundary];

	json_put_object(json, strength_of(boundary)->name);
	json_put_bool(json, "contains", row->contains);
	json_put_bool(json, "serves", row->serves);
	json_put_bool(json, "here", !advice->of->missing[boundary]);
	json_put_text(json, "missing", advice->of->missing[boundary]);
	put_words(json, "lacks", row->lacks);
	json_put_object(json, "holds");
	for (size_t i = 0; i < PROPERTIES; i++) {
		json_put_object(json, property_name((enum property)i));
		json_put_text(json, "level", holds_name(strength_holds(boundary, (enum property)i)));
		json_put_text(json, "because", strength_because(boundary, (enum property)i));
		json_put_bool(json, "enough", !row->fails[i]);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_text(json, "figures", advise_origin(&row->figure));
	json_put_text(json, "figures_source", row->figure.source);
	json_put_u64(json, "start_p50_us", row->figure.start_p50_us);
	json_put_u64(json, "start_p99_us", row->figure.start_p99_us);
	json_put_u64(json, "idle_bytes", row->figure.idle_bytes);
	json_put_bool(json, "affordable", !row->is_slow && !row->is_large);
	json_put_end(json);
}

static void put_texts(struct json *json, const char *key, const struct advise_text *texts, size_t n)
{
	json_put_array(json, key);
	for (size_t i = 0; i < n; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "what", texts[i].what);
		json_put_text(json, "how", texts[i].how);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_demands(struct json *json, const struct advice *advice)
{
	json_put_array(json, "demands");
	for (size_t i = 0; i < PROPERTIES; i++) {
		if (!advice->demands[i])
			continue;
		json_put_object(json, NULL);
		json_put_text(json, "property", property_name((enum property)i));
		json_put_text(json, "attack", property_attack((enum property)i));
		json_put_text(json, "least", holds_name(advice->demands[i]->least));
		json_put_text(json, "why", advice->demands[i]->why);
		json_put_end(json);
	}
	json_put_end(json);
}

void advise_json(const struct advice *advice, struct str *out)
{
	const int proposed = advice->of->proposed;
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.advise.1");
	put_threat(&json, advice->of->threat);
	json_put_text(&json, "power_why", advice->power_why);
	json_put_text(&json, "advice", advice->chosen < 0 ? NULL : strength_of(advice->chosen)->name);
	json_put_text(&json, "impossible", advice->impossible);
	json_put_bool(&json, "met", advise_is_met(advice));
	json_put_text(&json, "proposed", proposed < 0 ? NULL : strength_of(proposed)->name);
	json_put_bool(&json, "refused", advice->is_refused);
	json_put_text(&json, "policy", advice->of->policy_name);
	put_demands(&json, advice);
	json_put_text(&json, "measured_on", advice->of->figures ? advice->of->figures->host : NULL);
	json_put_object(&json, "boundaries");
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		put_row(&json, advice, strength_by_cost(i));
	json_put_end(&json);
	put_texts(&json, "around", advice->around, advice->n_around);
	put_texts(&json, "gaps", advice->gaps, advice->n_gaps);
	put_texts(&json, "remains", advice->remains, advice->n_remains);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}
