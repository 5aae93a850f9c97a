/* store/fair: shares, turns, caps and rates, without a database. */
#include "store/fair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct store_room plenty[] = { { "a", 1 << 30 }, { "b", 1 << 30 } };

static struct fair_tenant *add(struct fair *fair, uint64_t id, uint32_t weight, int64_t ready)
{
	fair_put(fair, id, weight, 0, 0, 0);
	fair_ready(fair, fair_find(fair, id), "a", ready);
	return fair_find(fair, id);
}

/* Takes one: whose it was, 0 when nobody can. */
static uint64_t take(struct fair *fair, uint64_t now_ms)
{
	uint64_t again;
	struct fair_tenant *const tenant = fair_next(fair, plenty, 2, now_ms, &again);

	if (!tenant)
		return 0;
	fair_take(fair, tenant, now_ms);
	fair_ready(fair, tenant, "a", -1);
	fair_running(tenant, 1, 0);
	return tenant->id;
}

static void weights_are_shares(void **state)
{
	struct fair fair = { .n_tenants = 0 };
	uint64_t got[4] = { 0 };

	(void)state;
	add(&fair, 1, 1, 10000);
	add(&fair, 2, 2, 10000);
	add(&fair, 3, 5, 10000);
	for (int i = 0; i < 8000; i++)
		got[take(&fair, 0)]++;
	assert_in_range(got[1], 998, 1002);
	assert_in_range(got[2], 1998, 2002);
	assert_in_range(got[3], 4998, 5002);
	fair_done(&fair);
}

static void a_newcomer_waits_for_one_round_whatever_the_others_have(void **state)
{
	(void)state;
	for (uint32_t weight = 1; weight <= 1000; weight = weight * 10) {
		struct fair fair = { .n_tenants = 0 };
		int waited = 0;

		add(&fair, 1, weight, 100000);
		add(&fair, 3, weight, 100000);
		for (int i = 0; i < 777; i++)
			take(&fair, 0);
		add(&fair, 2, 1, 1);
		while (take(&fair, 0) != 2)
			waited++;
		assert_in_range(waited, 0, 2);
		fair_done(&fair);
	}
}

/* A queue that is filled one job at a time is worth no more than one that is full. */
static void coming_and_going_earns_nothing(void **state)
{
	struct fair fair = { .n_tenants = 0 };
	uint64_t got[3] = { 0 };

	(void)state;
	add(&fair, 1, 100, 100000);
	add(&fair, 2, 1, 1);
	for (int i = 0; i < 10100; i++) {
		const uint64_t id = take(&fair, 0);

		got[id]++;
		if (id == 2)
			fair_ready(&fair, fair_find(&fair, 2), "a", 1);
	}
	assert_in_range(got[2], 99, 103);
	fair_done(&fair);
}

static void who_may_run_no_more_is_passed_over(void **state)
{
	struct fair fair = { .n_tenants = 0 };

	(void)state;
	fair_put(&fair, 1, 1, 2, 0, 0);
	fair_ready(&fair, fair_find(&fair, 1), "a", 10);
	assert_int_equal(take(&fair, 0), 1);
	assert_int_equal(take(&fair, 0), 1);
	assert_int_equal(take(&fair, 0), 0);
	fair_running(fair_find(&fair, 1), -1, 0);
	assert_int_equal(take(&fair, 0), 1);
	fair_done(&fair);
}

static void a_rate_of_starts_says_when_the_next_one_may(void **state)
{
	struct fair fair = { .n_tenants = 0 };
	uint64_t again, starts = 0;

	(void)state;
	fair_put(&fair, 1, 1, 0, 10, 0);
	fair_ready(&fair, fair_find(&fair, 1), "a", 1000);
	for (uint64_t now = 0; now <= 10000; now++)
		while (take(&fair, now))
			starts++;
	assert_in_range(starts, 109, 111); /* a second's worth at the beginning */
	assert_null(fair_next(&fair, plenty, 2, 10000, &again));
	assert_in_range(again, 10001, 10100);
	assert_non_null(fair_next(&fair, plenty, 2, again, &again));
	fair_done(&fair);
}

static void a_class_without_room_holds_nobody_else_up(void **state)
{
	const struct store_room rooms[] = { { "a", 0 }, { "b", 1 } };
	struct fair fair = { .n_tenants = 0 };
	uint64_t again;

	(void)state;
	add(&fair, 1, 1, 5);
	fair_put(&fair, 2, 1, 0, 0, 0);
	fair_ready(&fair, fair_find(&fair, 2), "b", 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fair_next(&fair, rooms, 2, 0, &again)->id, 2);
	assert_null(fair_next(&fair, rooms, 1, 0, &again));
	assert_int_equal(again, FAIR_NONE);
	fair_done(&fair);
}

static void a_retry_is_as_far_as_the_queue_needs_to_drain(void **state)
{
	struct fair fair = { .n_tenants = 0 };
	struct fair_tenant *const tenant = add(&fair, 1, 1, 0);

	(void)state;
	assert_int_equal(fair_retry_ms(tenant, 1, 0), 10000);
	assert_int_equal(fair_retry_ms(NULL, 1, 0), 10000);
	fair_ready(&fair, tenant, "a", 61);
	for (int i = 0; i < 61; i++)
		assert_int_equal(take(&fair, 60000 + (uint64_t)i * 1000), 1); /* one a second */
	assert_in_range(fair_retry_ms(tenant, 1, 121000), 1000, 2000);
	assert_in_range(fair_retry_ms(tenant, 60, 121000), 50000, 65000);
	assert_int_equal(fair_retry_ms(tenant, UINT64_MAX, 121000), 3600000);
	/* An hour without jobs says nothing of how fast the next ones go. */
	assert_in_range(fair_retry_ms(tenant, 60, 3721000), 50000, 65000);
	fair_done(&fair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_shares),
		cmocka_unit_test(a_newcomer_waits_for_one_round_whatever_the_others_have),
		cmocka_unit_test(coming_and_going_earns_nothing),
		cmocka_unit_test(who_may_run_no_more_is_passed_over),
		cmocka_unit_test(a_rate_of_starts_says_when_the_next_one_may),
		cmocka_unit_test(a_class_without_room_holds_nobody_else_up),
		cmocka_unit_test(a_retry_is_as_far_as_the_queue_needs_to_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
