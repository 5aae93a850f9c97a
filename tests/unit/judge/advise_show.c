/* judge/advise_show: the advice as text and as JSON. Golden files: tests/golden/advise. */
#include "advise_case.h"

#include <jansson.h>

static const char *const names[] = { "own-script", "contest-submission", "contributor-build", "code-runner",
				     "wasm-plugin", "edge-function", "model-agent" };

static void the_text_is_that_of_the_golden_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		OWN(sample) sample = SAMPLE_NONE;
		OWN(str) text = STR_NONE;
		char file[64];

		sample_read(&sample, names[i]);
		sample_judge(&sample);
		advise_text(&sample.advice, &text);
		snprintf(file, sizeof(file), "%s.txt", names[i]);
		expect_advice(file, &text);
	}
}

static void a_refused_proposal_says_why(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	sample_read(&sample, "code-runner");
	sample.of.proposed = BOUNDARY_CONTAINER;
	sample_judge(&sample);
	advise_text(&sample.advice, &text);
	expect_advice("code-runner-in-container.txt", &text);
}

static void no_line_is_wider_than_a_terminal_or_holds_control_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		OWN(sample) sample = SAMPLE_NONE;
		OWN(str) text = STR_NONE;
		size_t column = 0;

		sample_read(&sample, names[i]);
		sample_judge(&sample);
		advise_text(&sample.advice, &text);
		for (const char *p = str_text(&text); *p; p++) {
			column = *p == '\n' ? 0 : column + 1;
			assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
			assert_true(column <= 80);
		}
	}
}

static void the_json_is_one_object_that_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		OWN(sample) sample = SAMPLE_NONE;
		OWN(str) text = STR_NONE;
		const json_t *boundaries;
		json_t *root;

		sample_read(&sample, names[i]);
		sample_judge(&sample);
		advise_json(&sample.advice, &text);
		root = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		assert_string_equal(json_string_value(json_object_get(root, "schema")), "ward.advise.1");
		assert_string_equal(json_string_value(json_object_get(root, "advice")),
				    strength_of(sample.advice.chosen)->name);
		assert_int_equal(json_is_true(json_object_get(root, "met")), advise_is_met(&sample.advice));
		boundaries = json_object_get(root, "boundaries");
		assert_int_equal(json_object_size(boundaries), STRENGTH_BOUNDARIES);
		for (int k = 0; k < STRENGTH_BOUNDARIES; k++)
			assert_int_equal(json_is_true(json_object_get(
						 json_object_get(boundaries, strength_of(k)->name), "contains")),
					 sample.advice.rows[k].contains);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_that_of_the_golden_file),
		cmocka_unit_test(a_refused_proposal_says_why),
		cmocka_unit_test(no_line_is_wider_than_a_terminal_or_holds_control_bytes),
		cmocka_unit_test(the_json_is_one_object_that_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
