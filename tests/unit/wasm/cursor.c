/* wasm/cursor: numbers of the binary format, to the last bit and the last byte. */
#include "wasm/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *bytes;
	size_t len;
	unsigned bits;
	uint64_t number;
	size_t used;
} numbers[] = {
	{ "\x00", 1, 32, 0, 1 },
	{ "\x7f\x01", 2, 32, 127, 1 },
	{ "\xe5\x8e\x26", 3, 32, 624485, 3 },
	{ "\xff\xff\xff\xff\x0f", 5, 32, UINT32_MAX, 5 },
	{ "\x80\x80\x80\x80\x00", 5, 32, 0, 5 },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 64, UINT64_MAX, 10 },
};

static void a_number_is_read_in_each_length_it_may_have(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct cursor in = { .bytes = (const uint8_t *)numbers[i].bytes, .end = numbers[i].len };

		assert_true(cursor_number(&in, numbers[i].bits) == numbers[i].number);
		assert_false(in.bad);
		assert_int_equal(in.at, numbers[i].used);
	}
}

static const struct {
	const char *bytes;
	size_t len;
	unsigned bits;
} wrong[] = {
	{ "", 0, 32 },                          /* nothing there */
	{ "\x80", 1, 32 },                      /* it goes on, and the bytes do not */
	{ "\xff\xff\xff\xff\x1f", 5, 32 },      /* 33 bits */
	{ "\x80\x80\x80\x80\x80\x00", 6, 32 },  /* longer than 32 bits need */
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03", 10, 64 },
};

static void what_is_no_number_is_bad_and_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct cursor in = { .bytes = (const uint8_t *)wrong[i].bytes, .end = wrong[i].len };

		assert_true(cursor_number(&in, wrong[i].bits) == 0);
		assert_true(in.bad);
		assert_true(in.at <= in.end);
	}
}

static void nothing_is_read_behind_the_end_and_bad_stays(void **state)
{
	struct cursor in = { .bytes = (const uint8_t *)"\x05\x06", .end = 1 };

	(void)state;
	assert_int_equal(cursor_byte(&in), 5);
	assert_int_equal(cursor_byte(&in), 0);
	assert_true(in.bad);
	assert_int_equal(in.at, 1);
	in.end = 2;
	assert_int_equal(cursor_byte(&in), 6);
	assert_true(in.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_read_in_each_length_it_may_have),
		cmocka_unit_test(what_is_no_number_is_bad_and_zero),
		cmocka_unit_test(nothing_is_read_behind_the_end_and_bad_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
