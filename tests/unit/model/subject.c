/* Subjects: what is added is copied, and the line that speaks of a call is found. */
#include "model/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_added_is_copied(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct sock_filter program[] = { { .code = BPF_RET | BPF_K, .k = 0x7fff0000 } };
	char name[] = "policy";

	(void)state;
	subject_add_filter(&subject, name, program, 1);
	subject_add_missing(&subject, "unknown call '%s'", name);
	program[0].k = 0;
	name[0] = 'P';
	assert_int_equal(subject.n_filters, 1);
	assert_int_equal(subject.filters[0].program[0].k, 0x7fff0000);
	assert_string_equal(subject.filters[0].name, "policy");
	assert_string_equal(subject.missing[0], "unknown call 'policy'");
}

static void a_long_list_of_missing_things_says_that_it_is_cut(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	for (int i = 0; i < 5000; i++)
		subject_add_missing(&subject, "unknown call '%d'", i);
	assert_int_equal(subject.n_missing, SUBJECT_MISSING + 1);
	assert_string_equal(subject.missing[SUBJECT_MISSING - 1], "unknown call '999'");
	assert_string_equal(subject.missing[SUBJECT_MISSING], "and more, not listed");
}

static void the_last_line_that_speaks_of_a_call_is_found(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	assert_null(subject_line_of(&subject, 0));
	subject_add_line(&subject, SUBJECT_ANY, 1, 1, "default");
	subject_add_line(&subject, 0, 2, 1, "read");
	subject_add_line(&subject, 0, 3, 1, "read again");
	assert_string_equal(subject_line_of(&subject, 0)->text, "read again");
	assert_string_equal(subject_line_of(&subject, 1)->text, "default");
}

static void a_why_belongs_to_its_line(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	subject_add_why(&subject, 7, "the debugger needs it");
	assert_string_equal(subject_why_of(&subject, 7), "the debugger needs it");
	assert_null(subject_why_of(&subject, 8));
}

static void the_empty_subject_is_done_twice(void **state)
{
	struct subject subject = SUBJECT_NONE;

	(void)state;
	subject.policy = mem_alloc(sizeof(*subject.policy));
	subject_done(&subject);
	subject_done(&subject);
	assert_null(subject.policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_copied),
		cmocka_unit_test(a_long_list_of_missing_things_says_that_it_is_cut),
		cmocka_unit_test(the_last_line_that_speaks_of_a_call_is_found),
		cmocka_unit_test(a_why_belongs_to_its_line),
		cmocka_unit_test(the_empty_subject_is_done_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
