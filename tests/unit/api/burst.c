/* api/burst: wrong keys in numbers are told once each time something changes, and never once a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/burst.h"
#include "api/throttle.h"

static void a_wrong_key_now_and_then_is_no_burst(void **state)
{
	struct burst burst = { 0 };

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_int_equal(burst_wrong(&burst, false, i * 1000), BURST_SILENT);
		assert_int_equal(burst_turn(&burst, false, i * 1000), BURST_SILENT);
	}
	assert_int_equal(burst_turn(&burst, true, 1001000), BURST_SILENT);
}

static void a_burst_of_a_day_is_told_by_the_hour(void **state)
{
	const uint64_t day_ms = UINT64_C(86400000), step_ms = 1000;
	struct burst burst = { 0 };
	unsigned told = 0;

	(void)state;
	for (uint64_t now = step_ms; now <= day_ms; now += step_ms) {
		told += burst_wrong(&burst, true, now) != BURST_SILENT;
		told += burst_turn(&burst, false, now) != BURST_SILENT;
	}
	assert_int_equal(told, 1 + (day_ms - step_ms) / BURST_TELL_MS);
	assert_int_equal(burst.n, THROTTLE_BURST + day_ms / step_ms);
}

static void it_is_over_when_nobody_was_refused_for_a_while(void **state)
{
	struct burst burst = { 0 };

	(void)state;
	assert_int_equal(burst_wrong(&burst, true, 5000), BURST_BEGAN);
	assert_int_equal(burst_wrong(&burst, true, 6000), BURST_SILENT);
	assert_int_equal(burst_wrong(&burst, false, 7000), BURST_SILENT);
	assert_int_equal(burst_turn(&burst, false, 6000 + BURST_QUIET_MS - 1), BURST_SILENT);
	assert_int_equal(burst_turn(&burst, false, 6000 + BURST_QUIET_MS), BURST_OVER);
	assert_int_equal(burst.n, THROTTLE_BURST + 3);
}

static void the_end_of_the_service_ends_it(void **state)
{
	struct burst burst = { 0 };

	(void)state;
	assert_int_equal(burst_wrong(&burst, true, 5000), BURST_BEGAN);
	assert_int_equal(burst_turn(&burst, true, 5001), BURST_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_key_now_and_then_is_no_burst),
		cmocka_unit_test(a_burst_of_a_day_is_told_by_the_hour),
		cmocka_unit_test(it_is_over_when_nobody_was_refused_for_a_while),
		cmocka_unit_test(the_end_of_the_service_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
