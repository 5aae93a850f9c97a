/* serve/stats and serve/history: what is counted, for whom, and that neither grows with what clients do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "serve/stats.h"

static struct stats stats;

static int clear(void **state)
{
	(void)state;
	stats_done(&stats);
	return 0;
}

static void move(uint64_t tenant, enum job_state from, enum job_state to, enum job_reason reason)
{
	const struct store_change change = { .tenant = tenant, .from = from, .to = to, .reason = reason, .class = "bash/container" };

	stats_moved(&stats, &change, 1000);
}

static void an_end_is_counted_once_and_for_its_tenant(void **state)
{
	(void)state;
	move(7, JOB_QUEUED, JOB_QUEUED, REASON_NONE);
	move(7, JOB_QUEUED, JOB_LEASED, REASON_NONE);
	move(7, JOB_RUNNING, JOB_FAILED, REASON_OOM);
	move(7, JOB_FAILED, JOB_FAILED, REASON_OOM); /* somebody asked to cancel it */
	move(8, JOB_RUNNING, JOB_SUCCEEDED, REASON_NONE);
	assert_int_equal(stats.all.now.ended, 2);
	assert_int_equal(stats.all.now.failed, 1);
	assert_int_equal(stats_history(&stats, 7, 0)->now.failed, 1);
	assert_int_equal(stats_history(&stats, 8, 0)->now.failed, 0);
	assert_int_equal(stats.ends.n, 2);
	assert_int_equal(stats.ends.rows[0].n, 1);
	assert_string_equal(stats.classes[stats.ends.rows[0].a], "bash/container");
}

static void a_lease_that_ran_out_is_counted_when_it_ends_and_not_again(void **state)
{
	(void)state;
	move(7, JOB_RUNNING, JOB_QUEUED, REASON_LEASE);
	move(7, JOB_QUEUED, JOB_LEASED, REASON_LEASE); /* the row still says why it came back */
	move(7, JOB_LEASED, JOB_RUNNING, REASON_LEASE);
	assert_int_equal(stats.counters[STAT_LEASES_EXPIRED], 1);
	assert_int_equal(stats.counters[STAT_GIVEN_BACK], 1);
	move(7, JOB_RUNNING, JOB_INFRA_FAILED, REASON_LEASE);
	assert_int_equal(stats.counters[STAT_LEASES_EXPIRED], 2);
}

static void tenants_beyond_the_bound_take_the_place_of_the_quietest(void **state)
{
	(void)state;
	for (uint64_t tenant = 1; tenant <= 3 * STATS_TENANTS; tenant++)
		stats_denied(&stats, tenant, 1, tenant);
	assert_int_equal(stats.all.denials, 3 * STATS_TENANTS);
	assert_int_equal(stats_history(&stats, 3 * STATS_TENANTS, 0)->denials, 1);
	assert_int_equal(stats_history(&stats, 1, 0)->denials, 0);
}

static void classes_and_answers_have_bounds(void **state)
{
	struct store_change change = { .tenant = 1, .from = JOB_RUNNING, .to = JOB_SUCCEEDED };
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "r%u/container", i);
		change.class = name;
		stats_moved(&stats, &change, 0);
	}
	assert_int_equal(stats.n_classes, STATS_CLASSES);
	for (uint32_t i = 0; i < 2 * STAT_ROWS_MAX; i++)
		stats_answered(&stats, i, 200);
	assert_int_equal(stats.answers.n, STAT_ROWS_MAX);
}

static void a_point_has_the_sums_of_its_own_two_seconds(void **state)
{
	static struct history history;
	const struct history_point *point;

	(void)state;
	history_start(&history, 2000, false, 0);
	history_start(&history, 2000, true, 0);
	history.now.ended = 3;
	history_turn(&history, HISTORY_STEP_US, 5000);
	point = history_at(&history, 0);
	assert_int_equal(point->started, 2);
	assert_in_range(point->start_p50_us, 1500, 2000);
	assert_int_equal(point->wall_ms, 5000);
	history_turn(&history, 2 * HISTORY_STEP_US, 7000);
	point = history_at(&history, 1);
	assert_int_equal(point->started, 0);
	assert_int_equal(point->start_p50_us, 0);
	assert_null(history_at(&history, 2));
	assert_int_equal(history_rate_milli(&history), 750);
	assert_int_equal(history.warm + history.cold, 2);
}

static void the_oldest_points_go(void **state)
{
	static struct history history;

	(void)state;
	for (uint64_t i = 0; i < 2 * HISTORY_POINTS + 5; i++)
		history_turn(&history, i * HISTORY_STEP_US, i);
	assert_int_equal(history_at(&history, 0)->wall_ms, HISTORY_POINTS + 5);
	assert_int_equal(history_at(&history, HISTORY_POINTS - 1)->wall_ms, 2 * HISTORY_POINTS + 4);
	assert_null(history_at(&history, HISTORY_POINTS));
}

static void starts_are_forgotten_after_two_minutes(void **state)
{
	static struct history history;

	(void)state;
	history_start(&history, 100, false, 1);
	history_turn(&history, 60000000, 0);
	assert_int_equal(history_starts(&history).total, 1);
	history_turn(&history, 120000000, 0);
	assert_int_equal(history_starts(&history).total, 0);
	history_start(&history, 100, false, 120000001);
	history_turn(&history, 600000000, 0); /* minutes without a turn */
	assert_int_equal(history_starts(&history).total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_end_is_counted_once_and_for_its_tenant, clear),
		cmocka_unit_test_teardown(a_lease_that_ran_out_is_counted_when_it_ends_and_not_again, clear),
		cmocka_unit_test_teardown(tenants_beyond_the_bound_take_the_place_of_the_quietest, clear),
		cmocka_unit_test_teardown(classes_and_answers_have_bounds, clear),
		cmocka_unit_test(a_point_has_the_sums_of_its_own_two_seconds),
		cmocka_unit_test(the_oldest_points_go),
		cmocka_unit_test(starts_are_forgotten_after_two_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
