/* api/digits: whole numbers, and nothing that only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/digits.h"
#include "base/mem.h"

static void only_digits_are_a_number(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0", "1234567890123456", "\xd9\xa1" };
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (digits_are(bad[i], &n))
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(n, 7);
	assert_true(digits_are("999999999999999", &n));
	assert_int_equal(n, 999999999999999);
	assert_true(digits_are("007", &n));
	assert_int_equal(n, 7);
}

static void what_follows_a_number_stays(void **state)
{
	const char *text = "12.5s";
	uint64_t n;

	(void)state;
	assert_true(digits_take(&text, &n));
	assert_int_equal(n, 12);
	assert_true(digits_skip(&text, '.'));
	assert_false(digits_skip(&text, '.'));
	assert_string_equal(text, "5s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_digits_are_a_number),
		cmocka_unit_test(what_follows_a_number_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
