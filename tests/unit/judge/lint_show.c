/* What readers and tools get to see of findings. */
#include "judge/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/json.h"
#include "lint_subject.h"

struct shown {
	struct subject subject;
	struct lint lint;
	struct lint_report report;
};

static void make(struct shown *shown, const char *name)
{
	const struct filter_row rows[] = { { .nr = nr_of("ptrace"), .act = FILTER_ALLOW },
					   { .nr = nr_of("bpf"), .act = FILTER_ALLOW } };
	struct err e = ERR_INIT;

	shown->subject = SUBJECT_NONE;
	shown->lint = LINT_NONE;
	shown->subject.name = name;
	add_rows(&shown->subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	subject_add_line(&shown->subject, nr_of("ptrace"), 3, 5, "allow \033[2Jptrace");
	subject_add_line(&shown->subject, nr_of("bpf"), 4, 5, "allow bpf");
	subject_add_why(&shown->subject, 4, "it is \"tested\"");
	assert_int_equal(lint_run(&shown->subject, 0, &shown->lint, &e), 0);
	shown->report = (struct lint_report){ .subject = &shown->subject, .lint = &shown->lint };
}

static void unmake(struct shown *shown)
{
	lint_done(&shown->lint);
	subject_done(&shown->subject);
}

static void text_is_safe_and_says_what_to_do(void **state)
{
	OWN(str) out = STR_NONE;
	struct shown shown;

	(void)state;
	make(&shown, "a\nb.yaml");
	lint_show(&shown.report, SEVERITY_INFO, false, &out);
	assert_null(strchr(str_text(&out), '\033'));
	assert_ptr_equal(strstr(str_text(&out), "a?b.yaml: 1 critical"), str_text(&out));
	assert_non_null(strstr(str_text(&out), "critical  proc.ptrace  ptrace(16, 1, 0, 0)\n"));
	assert_non_null(strstr(str_text(&out), "from: line 3: allow ?[2Jptrace"));
	assert_non_null(strstr(str_text(&out), "fix: put first in syscalls.rules: {call: ptrace"));
	assert_non_null(strstr(str_text(&out), "documented  host.bpf"));
	unmake(&shown);
}

static void colours_are_for_terminals(void **state)
{
	OWN(str) out = STR_NONE;
	struct shown shown;

	(void)state;
	make(&shown, "b.yaml");
	lint_show(&shown.report, SEVERITY_INFO, true, &out);
	assert_non_null(strstr(str_text(&out), "\033[1;31mcritical\033[0m"));
	unmake(&shown);
}

static void less_than_asked_for_is_counted(void **state)
{
	OWN(str) out = STR_NONE;
	struct shown shown;

	(void)state;
	make(&shown, "b.yaml");
	lint_show(&shown.report, SEVERITY_CRITICAL, false, &out);
	assert_non_null(strstr(str_text(&out), " not shown)"));
	assert_null(strstr(str_text(&out), "\ninfo"));
	unmake(&shown);
}

static json_t *read_back(struct json *json)
{
	json_t *const root = json_loads(json_written(json), 0, NULL);

	assert_non_null(root);
	return root;
}

static void json_has_the_call(void **state)
{
	OWN(json) json = JSON_NONE;
	struct shown shown;
	json_t *root, *finding;

	(void)state;
	make(&shown, "b.yaml");
	json_put_object(&json, NULL);
	lint_put_json(&shown.report, SEVERITY_INFO, &json);
	json_put_end(&json);
	root = read_back(&json);
	finding = json_array_get(json_object_get(root, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(finding, "id")), "proc.ptrace");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(finding, "call"), "nr")), 101);
	assert_true(json_is_true(json_object_get(root, "complete")));
	json_decref(root);
	unmake(&shown);
}

static void sarif_has_the_rules_the_place_and_the_suppression(void **state)
{
	OWN(json) json = JSON_NONE;
	struct shown shown;
	json_t *root, *run, *results, *place;
	size_t suppressed = 0;

	(void)state;
	make(&shown, "dir/a b%.yaml");
	lint_put_sarif(&shown.report, 1, SEVERITY_INFO, &json);
	root = read_back(&json);
	run = json_array_get(json_object_get(root, "runs"), 0);
	results = json_object_get(run, "results");
	assert_int_equal(json_array_size(results), shown.lint.n);
	place = json_object_get(json_array_get(json_object_get(json_array_get(results, 0), "locations"), 0),
				"physicalLocation");
	assert_string_equal(json_string_value(json_object_get(json_object_get(place, "artifactLocation"), "uri")),
			    "dir/a%20b%25.yaml");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(place, "region"), "startLine")), 3);
	for (size_t i = 0; i < json_array_size(results); i++)
		suppressed += json_object_get(json_array_get(results, i), "suppressions") != NULL;
	assert_int_equal(suppressed, 1);
	json_decref(root);
	unmake(&shown);
}

static void every_entry_can_be_explained(void **state)
{
	struct danger danger;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++) {
		OWN(str) out = STR_NONE;

		lint_explain(&danger, &out);
		assert_ptr_equal(strstr(str_text(&out), danger.id), str_text(&out));
		assert_non_null(strstr(str_text(&out), "\ntolerable   "));
		lint_list_row(&danger, &out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_safe_and_says_what_to_do),
		cmocka_unit_test(colours_are_for_terminals),
		cmocka_unit_test(less_than_asked_for_is_counted),
		cmocka_unit_test(json_has_the_call),
		cmocka_unit_test(sarif_has_the_rules_the_place_and_the_suppression),
		cmocka_unit_test(every_entry_can_be_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
