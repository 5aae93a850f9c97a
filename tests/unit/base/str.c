/* base/str: text within a bound, columns, the nearest name. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_text_reads_as_empty(void **state)
{
	OWN(str) str = STR_NONE;

	(void)state;
	assert_string_equal(str_text(&str), "");
	str_add(&str, "");
	assert_string_equal(str_text(&str), "");
}

static void pieces_become_one_text(void **state)
{
	OWN(str) str = STR_NONE;

	(void)state;
	str_add(&str, "a");
	str_addf(&str, "%d%s", 12, "b");
	str_add_bytes(&str, "c\0d", 3);
	assert_int_equal(str.len, 7);
	assert_memory_equal(str_text(&str), "a12bc\0d", 8);
	assert_false(str.cut);
}

static void what_does_not_fit_is_left_out_and_told(void **state)
{
	OWN(str) str = { .max = 4 };

	(void)state;
	str_add(&str, "abc");
	assert_false(str.cut);
	str_add(&str, "defg");
	assert_true(str.cut);
	assert_string_equal(str_text(&str), "abcd");
	str_add(&str, "x");
	str_pad(&str, 80);
	assert_string_equal(str_text(&str), "abcd");
}

static void a_long_formatted_text_is_cut_not_overrun(void **state)
{
	static char big[5000];
	OWN(str) str = STR_NONE;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	str_addf(&str, "%s", big);
	assert_int_equal(str.len, 4095);
	assert_true(str.cut);
}

static void columns_line_up_and_never_touch(void **state)
{
	OWN(str) str = STR_NONE;

	(void)state;
	str_add(&str, "key");
	str_pad(&str, 6);
	str_add(&str, "value\nlonger-key");
	str_pad(&str, 6);
	str_add(&str, "value");
	assert_string_equal(str_text(&str), "key   value\nlonger-key value");
}

static void the_nearest_name_is_found_or_none(void **state)
{
	static const char *const names[] = {
		"cpu", "wall", "memory", "pids", "processes", "output"
	};
	static const struct {
		const char *wanted, *best;
	} rows[] = {
		{ "memmory", "memory" },
		{ "memroy", "memory" }, /* two neighbours swapped */
		{ "Memory", "memory" },
		{ "pid", "pids" },
		{ "cpus", "cpu" },
		{ "xyz", NULL },
		{ "limit", NULL }, /* as far from everything as it gets */
		{ "", NULL },
		{ "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str_near near = STR_NEAR(rows[i].wanted);

		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			str_near_offer(&near, names[k]);
		if (rows[i].best) {
			assert_non_null(str_near_best(&near));
			assert_string_equal(str_near_best(&near), rows[i].best);
		} else {
			assert_null(str_near_best(&near));
		}
	}
}

static void text_is_utf8_to_its_end_or_not(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is;
	} rows[] = {
		{ "", 0, true },          { "a\xc3\xa4\xe2\x82\xac", 6, true }, { "a\xe2\x82", 3, false },
		{ "a\xff" "b", 3, false }, { "a\0b", 3, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(str_is_utf8(rows[i].text, rows[i].len), rows[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_text_reads_as_empty),
		cmocka_unit_test(pieces_become_one_text),
		cmocka_unit_test(what_does_not_fit_is_left_out_and_told),
		cmocka_unit_test(a_long_formatted_text_is_cut_not_overrun),
		cmocka_unit_test(columns_line_up_and_never_touch),
		cmocka_unit_test(the_nearest_name_is_found_or_none),
		cmocka_unit_test(text_is_utf8_to_its_end_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
