/* remote/lines: lines are the same however their bytes came. */
#include "remote/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void note(void *at, const char *line, size_t len)
{
	struct str *const out = at;

	str_add(out, line ? "[" : "too long");
	str_add_bytes(out, line ? line : "", len);
	str_add(out, line ? "]" : "");
}

static const struct {
	const char *bytes;
	size_t len;
	const char *wanted;
	size_t wanted_len;
} rows[] = {
	{ "a\nbc\n", 5, "[a][bc]", 7 },
	{ "a\n\nb", 4, "[a][][b]", 8 },
	{ "", 0, "", 0 },
	{ "\n", 1, "[]", 2 },
	{ "12345678\n", 9, "[12345678]", 10 },
	{ "123456789\na\n", 12, "too long[a]", 11 },
	{ "a\n123456789012345678901234567890", 32, "[a]too long", 11 },
	{ "a\0b\n\xff", 5, "[a\0b][\xff]", 8 },
};

static void pieces_make_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 20; step++) {
			OWN(lines) lines = { .max = 8 };
			OWN(str) out = STR_NONE;

			for (size_t at = 0; at < rows[i].len; at += step)
				lines_add(&lines, rows[i].bytes + at, rows[i].len - at < step ? rows[i].len - at : step, note, &out);
			lines_end(&lines, note, &out);
			assert_int_equal(out.len, rows[i].wanted_len);
			assert_memory_equal(str_text(&out), rows[i].wanted, out.len);
		}
}

static void nothing_is_held_of_a_line_that_is_too_long(void **state)
{
	OWN(lines) lines = { .max = 8 };
	OWN(str) out = STR_NONE;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		lines_add(&lines, "xxxxxxxx", 8, note, &out);
	assert_int_equal(lines.held.len, 0);
	lines_add(&lines, "\nok\n", 4, note, &out);
	assert_string_equal(str_text(&out), "too long[ok]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(nothing_is_held_of_a_line_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
