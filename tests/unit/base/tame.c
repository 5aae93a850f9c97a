/* What reaches a terminal is text, however the bytes were cut. */
#include "base/tame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *bytes, *text;
} rows[] = {
	{ "plain\n\ttext \xe2\x82\xac \xf0\x9f\x98\x80", "plain\n\ttext \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\x1b[2J", "^[[2J" },
	{ "a\rb\x07\x7f", "a^Mb^G^?" },
	{ "\xc2\x9b" "31m", "<U+009B>31m" },
	{ "\xe2\x80\xae" "cod.exe", "<U+202E>cod.exe" },
	{ "\xe2\x81\xa6x\xd8\x9c", "<U+2066>x<U+061C>" },
	{ "a\xf3\xa0\x81\xa1" "b\xe2\x80\x8b\xef\xbb\xbf", "a<U+E0061>b<U+200B><U+FEFF>" },
	{ "\xe2\x80\x8d \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", "\xe2\x80\x8d \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\xc0\x80", "\\xc0\\x80" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xe2\x82", "\\xe2\\x82" },
	{ "\xe2\x82x", "\\xe2\\x82x" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
};

static void control_characters_are_written_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;
		struct tame tame = { .n = 0 };

		tame_add(&tame, rows[i].bytes, strlen(rows[i].bytes), &out);
		tame_end(&tame, &out);
		assert_string_equal(str_text(&out), rows[i].text);
	}
}

static void pieces_make_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step < 4; step++) {
			OWN(str) out = STR_NONE;
			struct tame tame = { .n = 0 };
			const size_t len = strlen(rows[i].bytes);

			for (size_t at = 0; at < len; at += step)
				tame_add(&tame, rows[i].bytes + at, len - at < step ? len - at : step, &out);
			tame_end(&tame, &out);
			assert_string_equal(str_text(&out), rows[i].text);
		}
}

static void a_line_stays_one_line(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	tame_line("a\nb\tc\xe2", &out);
	assert_string_equal(str_text(&out), "a^Jb^Ic\\xe2");
}

static void a_zero_byte_is_no_end(void **state)
{
	OWN(str) out = STR_NONE;
	struct tame tame = { .n = 0 };

	(void)state;
	tame_add(&tame, "a\0b", 3, &out);
	assert_string_equal(str_text(&out), "a^@b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_written_out),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(a_line_stays_one_line),
		cmocka_unit_test(a_zero_byte_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
