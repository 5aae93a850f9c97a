/* base/hist: bounds rise, nothing is lost, quantiles lie where the values do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hist.h"
#include "base/mem.h"

static void bounds_rise(void **state)
{
	(void)state;
	for (size_t i = 1; i < HIST_BOUNDS; i++)
		assert_true(hist_bound_us(i - 1) < hist_bound_us(i));
}

static void every_value_is_in_the_bucket_of_its_bound(void **state)
{
	static const uint64_t values[] = { 0, 1, 10, 11, 15, 16, 9999, 10000, 10001, 99999999, 100000000, 100000001, UINT64_MAX / 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct hist hist = { .total = 0 };
		size_t bucket = 0;

		hist_add(&hist, values[i]);
		while (!hist.n[bucket])
			bucket++;
		assert_true(bucket == HIST_BOUNDS ? values[i] > hist_bound_us(HIST_BOUNDS - 1) : values[i] <= hist_bound_us(bucket));
		assert_true(!bucket || values[i] > hist_bound_us(bucket - 1));
		assert_int_equal(hist.sum_us, values[i]);
	}
}

static void a_quantile_is_at_most_half_its_value_away(void **state)
{
	struct hist hist = { .total = 0 };

	(void)state;
	assert_int_equal(hist_quantile(&hist, 500), 0);
	for (uint64_t us = 1; us <= 100000; us++)
		hist_add(&hist, us);
	for (unsigned per_mille = 10; per_mille <= 1000; per_mille += 10) {
		const uint64_t is = hist_quantile(&hist, per_mille), really = per_mille * 100;

		assert_in_range(is, really / 2, really + really / 2);
	}
}

static void what_is_longer_than_all_bounds_is_the_last_one(void **state)
{
	struct hist hist = { .total = 0 };

	(void)state;
	hist_add(&hist, UINT64_MAX / 4);
	assert_int_equal(hist_quantile(&hist, 990), hist_bound_us(HIST_BOUNDS - 1));
}

static void two_together_are_the_same_as_one_of_both(void **state)
{
	struct hist a = { .total = 0 }, b = { .total = 0 }, both = { .total = 0 };

	(void)state;
	for (uint64_t us = 1; us < 5000; us += 7) {
		hist_add(us % 2 ? &a : &b, us);
		hist_add(&both, us);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_rise),
		cmocka_unit_test(every_value_is_in_the_bucket_of_its_bound),
		cmocka_unit_test(a_quantile_is_at_most_half_its_value_away),
		cmocka_unit_test(what_is_longer_than_all_bounds_is_the_last_one),
		cmocka_unit_test(two_together_are_the_same_as_one_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
