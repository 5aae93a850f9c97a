/* api/problem: what a refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/problem.h"

static void every_code_has_a_status_that_says_whose_fault_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; problem_at(i).code; i++) {
		const struct problem problem = problem_at(i);

		assert_true(problem.status >= 400 && problem.status < 600);
		assert_string_equal(problem_find(problem.code).title, problem.title);
		assert_true(strspn(problem.code, "abcdefghijklmnopqrstuvwxyz_") == strlen(problem.code));
		/* Who is told to come again may. */
		if (problem.status == 429 || problem.status == 503)
			assert_true(problem.is_retryable);
	}
	assert_int_equal(problem_find("of_the_dispatcher").status, 422);
}

static void a_problem_is_one_object_and_escapes_what_it_quotes(void **state)
{
	const struct problem problem = problem_find("unknown_field");
	struct json json = JSON_NONE;

	(void)state;
	problem_put(&json, NULL, &problem, "a\x1b[2J\"\n", "/x", "0123");
	assert_string_equal(json_written(&json),
		"{\"type\":\"urn:ward:problem:unknown_field\",\"title\":\"The document has a field that does not exist\",\"status\":422,"
		"\"code\":\"unknown_field\",\"detail\":\"a\\u001b[2J\\\"\\n\",\"field\":\"/x\",\"retryable\":false,\"request_id\":\"0123\"}");
	json_done(&json);
}

static void retry_after_is_never_at_once_and_never_for_ever(void **state)
{
	(void)state;
	assert_int_equal(problem_retry_s(0), 1);
	assert_int_equal(problem_retry_s(1), 1);
	assert_int_equal(problem_retry_s(1001), 2);
	assert_int_equal(problem_retry_s(UINT64_MAX), 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_status_that_says_whose_fault_it_is),
		cmocka_unit_test(a_problem_is_one_object_and_escapes_what_it_quotes),
		cmocka_unit_test(retry_after_is_never_at_once_and_never_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
