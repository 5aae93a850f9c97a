/* judge/advise_doc: the threat model in Markdown. Golden file: tests/golden/advise/code-runner.md. */
#include "advise_case.h"

static void the_document_is_that_of_the_golden_file(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	sample_read(&sample, "code-runner");
	sample_judge(&sample);
	advise_doc(&sample.advice, &text);
	expect_advice("code-runner.md", &text);
}

static void every_layer_has_its_threat(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	sample_read(&sample, "contest-submission");
	sample.of.layers = LAYER_BIT(LAYER_CAPS);
	sample_judge(&sample);
	advise_doc(&sample.advice, &text);
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		char row[512];

		snprintf(row, sizeof(row), "| %s | %s | %s | %s | %s |\n", layer_name(layer), layer_holds(layer),
			 layer_attack(layer), layer_defeat(layer), layer == LAYER_CAPS ? "yes" : "**no**");
		if (!strstr(str_text(&text), row))
			fail_msg("no row for %s", layer_name(layer));
	}
}

static void all_tables_have_as_many_cells_as_their_head(void **state)
{
	static const char hostile[] = "version: 1\nthreat: own\nsyscalls: {allow: [\"@default\"]}\nfiles:\n"
				      "  - read: \"/a|b\"\n    as: \"/x<b>`|\"\nenv: {set: {A: \"|\"}}\n";
	OWN(policy) policy = POLICY_NONE;
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;
	size_t bars = 0, wanted = 0;
	bool is_row = false, is_drawing = false;

	(void)state;
	if (policy_read("p", hostile, strlen(hostile), &policy, &e) < 0)
		fail_msg("%s", e.text);
	sample_read(&sample, "own-script");
	sample.of.policy = &policy;
	sample.of.policy_name = "a|b\n# c";
	sample_judge(&sample);
	advise_doc(&sample.advice, &text);
	assert_null(strstr(str_text(&text), "\n# c"));
	assert_null(strstr(str_text(&text), "<b>"));
	for (const char *p = str_text(&text); *p; p++) {
		const bool begins = p == str_text(&text) || p[-1] == '\n';

		if (begins)
			is_drawing ^= strncmp(p, "```", 3) == 0;
		if (begins)
			is_row = *p == '|' && !is_drawing;
		bars += is_row && *p == '|' && (begins || p[-1] != '\\');
		if (*p != '\n')
			continue;
		if (is_row && wanted)
			assert_int_equal(bars, wanted);
		wanted = is_row ? bars : 0;
		bars = 0;
	}
}

static void every_boundary_can_be_drawn(void **state)
{
	(void)state;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		OWN(sample) sample = SAMPLE_NONE;
		OWN(str) text = STR_NONE;
		const char *drawing, *end;

		sample_read(&sample, i == BOUNDARY_JS ? "edge-function" : "wasm-plugin");
		sample.of.proposed = i;
		sample_judge(&sample);
		advise_doc(&sample.advice, &text);
		drawing = strstr(str_text(&text), "```\n+-");
		assert_non_null(drawing);
		end = strstr(drawing + 4, "```");
		for (const char *line = drawing + 4; line < end; line = strchr(line, '\n') + 1)
			assert_int_equal(strcspn(line, "\n"), 76);
	}
}

static void where_no_boundary_does_the_document_says_so_and_draws_none(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) text = STR_NONE;
	OWN(str) json = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sample_read(&sample, "contributor-build");
	assert_int_equal(threat_set(&sample.threat, THREAT_NEEDS, "devices", &e), 0);
	sample.of.proposed = BOUNDARY_CONTAINER;
	sample_judge(&sample);
	assert_int_equal(sample.advice.chosen, -1);
	advise_doc(&sample.advice, &text);
	assert_non_null(strstr(str_text(&text), "None of the six: the driver of a device is the host's kernel"));
	assert_non_null(strstr(str_text(&text), "**container was proposed and is refused.**"));
	assert_null(strstr(str_text(&text), "+- host"));
	assert_non_null(strstr(str_text(&text), "| seccomp |"));
	advise_json(&sample.advice, &json);
	assert_non_null(strstr(str_text(&json), "\"advice\":null,\"impossible\":\"the driver"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_that_of_the_golden_file),
		cmocka_unit_test(every_layer_has_its_threat),
		cmocka_unit_test(all_tables_have_as_many_cells_as_their_head),
		cmocka_unit_test(every_boundary_can_be_drawn),
		cmocka_unit_test(where_no_boundary_does_the_document_says_so_and_draws_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
