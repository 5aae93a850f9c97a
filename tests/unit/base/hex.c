/* base/hex: digits and back, and nothing else is taken for digits. */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_byte_comes_back(void **state)
{
	uint8_t bytes[256], back[256];
	char text[513];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_write(bytes, sizeof(bytes), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 508, "feff");
	assert_true(hex_read(text, 512, back, sizeof(back)));
	assert_memory_equal(bytes, back, sizeof(bytes));
}

static void what_is_no_digit_is_refused_and_writes_nothing(void **state)
{
	uint8_t out[2] = { 7, 7 };

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char text[] = { '0', '1', '2', (char)c };

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
			continue;
		assert_false(hex_read(text, 4, out, 2));
		assert_int_equal(out[0], 7);
	}
	assert_false(hex_read("012", 3, out, 2));
	assert_false(hex_read("01234", 5, out, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(what_is_no_digit_is_refused_and_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
