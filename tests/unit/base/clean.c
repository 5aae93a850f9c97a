/* base/clean: what a terminal would obey, and what it would not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/clean.h"

static void controls_and_what_is_no_utf8_become_question_marks(void **state)
{
	static const struct {
		const char *from, *keep, *to;
	} rows[] = {
		{ "plain text", "", "plain text" },
		{ "\x1b[2J", "", "?[2J" },
		{ "a\nb\tc\x7f", "", "a?b?c?" },
		{ "a\nb\tc\r", "\n\t", "a\nb\tc?" },
		{ "\xc2\x9b" "2J", "", "??2J" },
		{ "\x9b" "2J", "", "?2J" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xc3", "", "?" },
		{ "\xc0\x80\xed\xa0\x80\xff", "", "??????" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];
		const size_t len = strlen(rows[i].from);
		const bool is_changed = strcmp(rows[i].from, rows[i].to) != 0;

		memcpy(text, rows[i].from, len + 1);
		assert_int_equal(clean_bytes(text, len, rows[i].keep), is_changed);
		assert_string_equal(text, rows[i].to);
		assert_true(clean_is(rows[i].to, len) || *rows[i].keep);
		assert_int_equal(clean_is(rows[i].from, len), !is_changed);
	}
}

static void a_nul_is_a_control_too(void **state)
{
	char text[] = { 'a', '\0', 'b' };

	(void)state;
	assert_false(clean_is(text, sizeof(text)));
	assert_true(clean_bytes(text, sizeof(text), "\n"));
	assert_memory_equal(text, "a?b", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_and_what_is_no_utf8_become_question_marks),
		cmocka_unit_test(a_nul_is_a_control_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
