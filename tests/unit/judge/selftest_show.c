/* judge/selftest_show: the report as text and as JSON. */
#include "judge/selftest_show.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

struct sample {
	struct policy policy;
	struct selftest_report report;
};

static void set(struct selftest_pass *pass, const char *id, enum outcome_kind kind, int sys)
{
	pass->records[attempt_index(attempt_find(id))] =
		(struct selftest_record){ .kind = kind, .sys = sys, .begun = true };
}

static void sample_init(struct sample *sample)
{
	*sample = (struct sample){ .policy = POLICY_NONE };
	sample->report = (struct selftest_report){
		.scope = { .policy = &sample->policy,
			   .claimant = CLAIM_CONTAINER,
			   .layers = LAYER_BIT(LAYER_CAPS) | LAYER_BIT(LAYER_UTSNS) },
		.policy_name = "sample",
		.boundary = "container",
	};
	selftest_pass_init(&sample->report.pass);
	set(&sample->report.pass, "mount", OUTCOME_REFUSED, EPERM);
	set(&sample->report.pass, "umount", OUTCOME_KILLED, SIGSYS);
	set(&sample->report.pass, "host-name", OUTCOME_REFUSED, 0);
	set(&sample->report.pass, "uptime", OUTCOME_ALLOWED, 0);
	set(&sample->report.pass, "secret-read", OUTCOME_ALLOWED, 0);
}

static void sample_add_column(struct sample *sample)
{
	struct selftest_column *column;

	sample->report.columns = mem_alloc(2 * sizeof(*column));
	sample->report.n_columns = 2;
	column = &sample->report.columns[0];
	column->layer = LAYER_UTSNS;
	selftest_pass_init(&column->pass);
	set(&column->pass, "mount", OUTCOME_REFUSED, EPERM);
	set(&column->pass, "umount", OUTCOME_KILLED, SIGSYS);
	set(&column->pass, "host-name", OUTCOME_ALLOWED, 0);
	err_set(&sample->report.columns[1].why, ERR_UNSUPPORTED, "no box without it");
	sample->report.columns[1].layer = LAYER_CAPS;
}

static void without_an_engine_or_its_seal_no_guest_is_asked(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;
	struct selftest_column *column;

	(void)state;
	sample_init(&sample);
	sample.report.scope.has_engine = true;
	sample.report.scope.claimant |= CLAIM_WASM;
	set(&sample.report.pass, "wasm-dotdot", OUTCOME_REFUSED, EPERM);
	set(&sample.report.pass, "wasm-can-read", OUTCOME_ALLOWED, 0);
	set(&sample.report.pass, "secret-read", OUTCOME_REFUSED, ENOENT);
	set(&sample.report.pass, "tsc", OUTCOME_ALLOWED, 0);
	sample.report.columns = mem_alloc(2 * sizeof(*column));
	sample.report.n_columns = 2;
	for (size_t i = 0; i < 2; i++) {
		column = &sample.report.columns[i];
		column->layer = i ? GUARD_SEAL : GUARD_ENGINE;
		selftest_pass_init(&column->pass);
		set(&column->pass, "mount", OUTCOME_REFUSED, EPERM);
		set(&column->pass, "umount", OUTCOME_KILLED, SIGSYS);
		set(&column->pass, "host-name", OUTCOME_REFUSED, 0);
		set(&column->pass, "secret-read", i ? OUTCOME_ALLOWED : OUTCOME_REFUSED, 0);
		set(&column->pass, "tsc", OUTCOME_ALLOWED, 0);
	}
	selftest_text(&sample.report, false, &text);
	assert_non_null(strstr(str_text(&text), "the engine was taken away"));
	assert_non_null(strstr(str_text(&text), "a without engine      becomes possible: tsc\n"));
	assert_non_null(strstr(str_text(&text), "b without seal        becomes possible: secret-read\n"));
	assert_non_null(strstr(str_text(&text), "  secret-read           .X\n"));
	assert_non_null(strstr(str_text(&text), "  wasm-dotdot             \n"));
	assert_int_equal(selftest_count(&sample.report).undocumented, 1);
	assert_int_equal(selftest_count(&sample.report).silent, 0);
	selftest_report_done(&sample.report);
}

static void the_table_names_cause_and_reason(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	selftest_text(&sample.report, false, &text);
	assert_non_null(strstr(str_text(&text), "policy sample, boundary container, 2 layers"));
	assert_non_null(strstr(str_text(&text), "  mount                 refused   EPERM"));
	assert_non_null(strstr(str_text(&text), "  umount                refused   SIGSYS"));
	assert_non_null(strstr(str_text(&text), "  secret-read           ALLOWED"));
	assert_non_null(strstr(str_text(&text), "(not installed on this host)"));
	assert_null(strstr(str_text(&text), "chroot")); /* was not tried */
	assert_non_null(strstr(str_text(&text), "\n3 refused, 1 allowed, 1 not applicable\n"));
	assert_null(strchr(str_text(&text), '\033'));
	selftest_report_done(&sample.report);
}

static void colour_comes_when_asked_for(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	selftest_text(&sample.report, true, &text);
	assert_non_null(strstr(str_text(&text), "\033[1;31mALLOWED"));
	selftest_report_done(&sample.report);
}

static void the_matrix_shows_what_hangs_on_which_layer(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_add_column(&sample);
	selftest_text(&sample.report, false, &text);
	assert_non_null(
		strstr(str_text(&text), "  a without utsns       becomes possible: host-name\n"));
	assert_non_null(strstr(str_text(&text), "cannot be taken away: no box without it"));
	assert_non_null(strstr(str_text(&text), "  host-name             x"));
	assert_non_null(strstr(str_text(&text), "only utsns: knowledge of the host only"));
	assert_non_null(
		strstr(str_text(&text), "1 operations hang on one layer, 0 of them undocumented"));
	selftest_report_done(&sample.report);
}

static void a_column_without_answers_says_so(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_add_column(&sample);
	set(&sample.report.columns[0].pass, "umount", OUTCOME_NONE, 0);
	selftest_text(&sample.report, false, &text);
	assert_non_null(strstr(str_text(&text), "host-name; 1 WITHOUT AN ANSWER\n"));
	assert_int_equal(selftest_code(&sample.report), 1);
	selftest_report_done(&sample.report);
}

static void the_json_says_the_same(void **state)
{
	OWN(str) text = STR_NONE;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_add_column(&sample);
	selftest_json(&sample.report, &text);
	json_t *const root = json_loads(str_text(&text), 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "attempts")), 5);
	const json_t *const summary = json_object_get(root, "summary");
	assert_int_equal(json_integer_value(json_object_get(summary, "refused")), 3);
	assert_int_equal(json_integer_value(json_object_get(summary, "allowed")), 1);
	assert_int_equal(json_integer_value(json_object_get(summary, "single_layer")), 1);
	const json_t *const column = json_array_get(json_object_get(root, "matrix"), 0);
	assert_string_equal(json_string_value(json_object_get(column, "without")), "utsns");
	assert_int_equal(json_array_size(json_object_get(column, "possible")), 1);
	json_decref(root);
	selftest_report_done(&sample.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_engine_or_its_seal_no_guest_is_asked),
		cmocka_unit_test(the_table_names_cause_and_reason),
		cmocka_unit_test(colour_comes_when_asked_for),
		cmocka_unit_test(the_matrix_shows_what_hangs_on_which_layer),
		cmocka_unit_test(a_column_without_answers_says_so),
		cmocka_unit_test(the_json_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
