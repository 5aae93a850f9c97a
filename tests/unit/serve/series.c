/* serve/series: few points however many come, evenly spread, and the last one is always among them. */
#include "serve/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ALL (SERIES_CPU | SERIES_MEMORY | SERIES_PIDS)

static bool add(struct series *series, uint64_t t_ms)
{
	return series_add(series, ALL, &(struct series_point){ t_ms, t_ms * 10, t_ms * 100, 3 });
}

static void what_goes_back_in_time_is_refused(void **state)
{
	struct series series = { .n = 0 };

	(void)state;
	assert_true(add(&series, 250));
	assert_false(add(&series, 250));
	assert_false(add(&series, 1));
	assert_true(add(&series, 251));
	assert_int_equal(series.n, 2);
}

static void a_day_fits_and_lies_evenly(void **state)
{
	static struct series series;
	uint64_t t_ms = 0, gap;

	(void)state;
	for (uint64_t taken = 0; t_ms < 24 * 3600 * 1000; taken++) {
		t_ms += series_wait_ms(taken);
		assert_true(add(&series, t_ms));
		assert_in_range(series.n, 1, SERIES_POINTS);
		assert_int_equal(series.points[series.n - 1].t_ms, t_ms);
	}
	assert_in_range(series.n, SERIES_POINTS / 2, SERIES_POINTS);
	gap = series.points[1].t_ms - series.points[0].t_ms;
	assert_true(gap > SERIES_FIRST_MS);
	for (uint32_t i = 1; i < series.n; i++)
		assert_int_equal(series.points[i].t_ms - series.points[i - 1].t_ms, gap);
}

static void the_wait_never_becomes_nothing(void **state)
{
	(void)state;
	assert_int_equal(series_wait_ms(0), SERIES_FIRST_MS);
	assert_int_equal(series_wait_ms(SERIES_POINTS - 1), SERIES_FIRST_MS);
	assert_int_equal(series_wait_ms(SERIES_POINTS), 2 * SERIES_FIRST_MS);
	assert_true(series_wait_ms(UINT64_MAX) >= series_wait_ms(1000000));
}

static void only_what_every_point_has_is_told(void **state)
{
	struct series series = { .n = 0 };
	struct json json = JSON_NONE;

	(void)state;
	assert_true(add(&series, 250));
	assert_true(series_add(&series, SERIES_CPU | SERIES_PIDS, &(struct series_point){ 500, 7, 0, 4 }));
	series_put(&json, NULL, &series);
	assert_string_equal(json_written(&json),
			    "[{\"t_ms\":250,\"cpu_us\":2500,\"pids\":3},{\"t_ms\":500,\"cpu_us\":7,\"pids\":4}]");
	json_done(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_back_in_time_is_refused),
		cmocka_unit_test(a_day_fits_and_lies_evenly),
		cmocka_unit_test(the_wait_never_becomes_nothing),
		cmocka_unit_test(only_what_every_point_has_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
