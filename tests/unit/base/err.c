/* base/err: one sentence, always terminated, without control bytes. */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_of_them_fails(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&e, ERR_LIMIT, "too %s", "much"), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.text, "too much");
	assert_int_equal(err_add(&e, "file %d", 7), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_string_equal(e.text, "file 7: too much");
}

static void a_system_error_keeps_its_number(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "/x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "open /x: No such file or directory");
	err_add(&e, "grant");
	assert_int_equal(e.sys, ENOENT);
}

static void a_hostile_name_cannot_break_the_line(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_USAGE, "%s", "a\nb\x1b[31m\x7f");
	assert_string_equal(e.text, "a?b?[31m?");
	err_add(&e, "%s", "\r");
	assert_string_equal(e.text, "?: a?b?[31m?");
}

static void a_long_sentence_is_cut_and_terminated(void **state)
{
	char big[1000];
	struct err e = ERR_INIT;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_USAGE, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_add(&e, "context");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(strncmp(e.text, "context: xxx", 12), 0);
	errno = EIO;
	err_sys(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void every_kind_has_a_word(void **state)
{
	(void)state;
	for (int kind = 0; kind < ERR_KINDS; kind++)
		assert_true(strlen(err_kind_name((enum err_kind)kind)) > 0);
	assert_string_equal(err_kind_name(ERR_KINDS), "bug");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_them_fails),
		cmocka_unit_test(a_system_error_keeps_its_number),
		cmocka_unit_test(a_hostile_name_cannot_break_the_line),
		cmocka_unit_test(a_long_sentence_is_cut_and_terminated),
		cmocka_unit_test(every_kind_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
