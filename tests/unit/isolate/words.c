/* isolate/words: what a parked engine is told is taken as it was given, or not at all. */
#include "isolate/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int read_text(const char *text, size_t len, char *copy, struct words *out)
{
	struct err e = ERR_INIT;

	memcpy(copy, text, len);
	copy[len] = '\0';
	return words_read(copy, len, out, &e);
}

static void variables_and_words_are_told_apart(void **state)
{
	static const char text[] = "2\0A=1\0B=\0--memory=1\0m.wasm\0m\0";
	OWN(words) words = WORDS_NONE;
	char copy[64];

	(void)state;
	assert_int_equal(read_text(text, sizeof(text) - 1, copy, &words), 0);
	assert_int_equal(words.n_variables, 2);
	assert_string_equal(words.variables[0], "A=1");
	assert_string_equal(words.variables[1], "B=");
	assert_null(words.variables[2]);
	assert_int_equal(words.argc, 4);
	assert_string_equal(words.argv[1], "--memory=1");
	assert_string_equal(words.argv[3], "m");
	assert_null(words.argv[4]);
}

static void what_is_cut_off_or_lies_about_its_number_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
#define TEXT(text) { text, sizeof(text) - 1 }
		TEXT(""), TEXT("0"), TEXT("0\0"), TEXT("0\0word"), TEXT("1\0A=1\0"), TEXT("2\0A=1\0word\0"), TEXT("\0word\0"),
		TEXT("-1\0word\0"), TEXT("+0\0word\0"), TEXT(" 0\0word\0"), TEXT("0x0\0word\0"), TEXT("18446744073709551616\0word\0"),
		TEXT("99999999999999999999999999\0word\0"),
#undef TEXT
	};
	char copy[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(words) words = WORDS_NONE;

		if (read_text(rows[i].text, rows[i].len, copy, &words) == 0)
			fail_msg("row %zu was taken", i);
	}
}

static void there_are_no_more_than_so_many(void **state)
{
	OWN_MEM char *text = mem_alloc((WORDS_MAX + 2) * 2), *copy = mem_alloc((WORDS_MAX + 2) * 2);
	OWN(words) words = WORDS_NONE, more = WORDS_NONE;

	(void)state;
	for (size_t i = 0; i <= WORDS_MAX; i++)
		memcpy(text + 2 * i, "0", 2);
	assert_int_equal(read_text(text, WORDS_MAX * 2, copy, &words), 0);
	assert_int_equal(words.argc, WORDS_MAX);
	assert_int_equal(read_text(text, (WORDS_MAX + 1) * 2, copy, &more), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_and_words_are_told_apart),
		cmocka_unit_test(what_is_cut_off_or_lies_about_its_number_is_refused),
		cmocka_unit_test(there_are_no_more_than_so_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
