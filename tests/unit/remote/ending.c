/* A job that failed never exits with 0. */
#include "remote/ending.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int code_of(const char *text)
{
	json_t *const job = json_loads(text, 0, NULL);
	const int code = ending_code(job);

	assert_non_null(job);
	json_decref(job);
	return code;
}

static void codes_are_those_of_a_run_here(void **state)
{
	static const struct {
		const char *job;
		int code;
	} rows[] = {
		{ "{\"state\":\"succeeded\",\"result\":{\"exit_code\":0}}", 0 },
		{ "{\"state\":\"failed\",\"reason\":\"exit\",\"result\":{\"exit_code\":3}}", 3 },
		{ "{\"state\":\"failed\",\"reason\":\"signal\",\"result\":{\"signal\":9}}", 137 },
		{ "{\"state\":\"failed\",\"reason\":\"oom\",\"result\":{\"signal\":9}}", 124 },
		{ "{\"state\":\"failed\",\"reason\":\"policy_kill\",\"result\":{\"signal\":31}}", 159 },
		{ "{\"state\":\"timed_out\",\"reason\":\"wall\"}", 124 },
		{ "{\"state\":\"cancelled\"}", 125 },
		{ "{\"state\":\"failed\",\"result\":{\"exit_code\":0}}", 125 },
		{ "{\"state\":\"failed\",\"result\":{\"exit_code\":256}}", 125 },
		{ "{\"state\":\"failed\",\"result\":{\"signal\":900}}", 125 },
		{ "{\"state\":\"running\"}", 125 },
		{ "{}", 125 },
		{ "[]", 125 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(code_of(rows[i].job), rows[i].code);
}

static void the_sentence_is_one_line_of_text(void **state)
{
	json_t *const job = json_loads("{\"state\":\"failed\\u001b[2J\",\"reason\":\"a\\nb\",\"result\":{\"exit_code\":2,\"wall_us\":1500000}}",
				       0, NULL);
	OWN(str) out = STR_NONE;

	(void)state;
	ending_text(job, &out);
	assert_string_equal(str_text(&out), "failed^[[2J: a^Jb, exit code 2, 1.500 s by the clock");
	json_decref(job);
}

static void a_fault_of_the_services_says_why(void **state)
{
	json_t *const job = json_loads("{\"state\":\"infra_failed\",\"reason\":\"setup\",\"why\":\"no \\u001bplace\"}", 0, NULL);
	OWN(str) out = STR_NONE;

	(void)state;
	ending_text(job, &out);
	assert_string_equal(str_text(&out), "infra_failed: setup: no ^[place");
	json_decref(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_a_run_here),
		cmocka_unit_test(the_sentence_is_one_line_of_text),
		cmocka_unit_test(a_fault_of_the_services_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
