/* store: what a wall clock that is set a day forward or back does, and does not do. An hour, again and again: hold.c. */
#include "scene.h"
#include "store/store_hook.h"

#define DAY_MS INT64_C(86400000)

static const int64_t jumps[] = { -DAY_MS, DAY_MS };

static void jump(struct scene *s, int64_t ms)
{
	s->wall_ms += (uint64_t)ms;
}

/* What is held stays held, and ends when the time for it has passed. */
static void a_lease_knows_nothing_of_it(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		scene_begin(&s, (struct store_options){ .lease_ms = 30000, .backoff_ms = 1000 });
		hold = scene_hold(&s);
		jump(&s, jumps[i]);
		assert_int_equal(scene_reap(&s), 0);
		assert_int_equal(scene_get(&s, &hold.id).state, JOB_LEASED);
		s.steady_ms += 30001;
		assert_int_equal(scene_reap(&s), 1);
		assert_int_equal(scene_get(&s, &hold.id).state, JOB_QUEUED);
		assert_int_equal(scene_claim(&s, 1), 0);
		s.steady_ms += 1000;
		scene_reap(&s);
		hold = scene_lease(&s);
		assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
		scene_end(&s);
	}
}

static size_t listed(struct scene *s, size_t limit)
{
	const struct store_filter all = { .states = 0 };
	struct store_place after = { .created_ms = 0 };
	size_t n = 0;

	do {
		struct arena arena = { .blocks = NULL };
		struct store_page page;
		struct err e;

		assert_int_equal(store_job_list(s->store, s->tenant, &all, &after, limit, &arena, &page, &e), 0);
		n += page.n;
		after = page.next;
		arena_done(&arena);
	} while (after.created_ms);
	return n;
}

static void jobs_of_before_and_after_are_all_started_ended_and_listed(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		scene_plain(&s);
		for (int n = 0; n < 3; n++)
			scene_create(&s, "{}");
		hold = scene_lease(&s);
		jump(&s, jumps[i]);
		for (int n = 0; n < 3; n++)
			scene_create(&s, "{}");
		assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
		for (int n = 0; n < 5; n++) {
			hold = scene_lease(&s);
			assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
		}
		assert_int_equal(scene_claim(&s, 1), 0);
		assert_int_equal(listed(&s, 100), 6);
		assert_int_equal(listed(&s, 1), 6);
		scene_end(&s);
	}
}

static void a_key_of_idempotency_goes_on_being_the_same_job(void **state)
{
	static struct scene s;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		struct store_create job;
		struct store_id id;

		scene_plain(&s);
		job = scene_job(&s, "{}");
		job.key = "same";
		id = scene_create_as(&s, &job);
		jump(&s, jumps[i]);
		scene_reap(&s);
		store_job_create(s.store, &job, scene_answer, &s);
		assert_int_equal(scene_turn(&s), STORE_REPLAYED);
		assert_memory_equal(&s.items[0].id, &id, sizeof(id));
		scene_end(&s);
	}
}

static void a_bucket_of_requests_knows_nothing_of_it(void **state)
{
	static struct scene s;
	struct store_tenant tenant;
	struct arena arena = { .blocks = NULL };
	struct err e;

	(void)state;
	scene_plain(&s);
	scene_tenant(&s, (struct store_tenant){ .name = "slow", .requests_per_s = 10 });
	assert_int_equal(store_tenant_find(s.store, "slow", &arena, &tenant, &e), 1);
	while (!store_request_take(s.store, &tenant))
		;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		jump(&s, jumps[i]);
		assert_in_range(store_request_take(s.store, &tenant), 1, 100);
	}
	s.steady_ms += 100;
	assert_int_equal(store_request_take(s.store, &tenant), 0);
	arena_done(&arena);
	scene_end(&s);
}

static size_t due(struct scene *s, struct store_delivery *first)
{
	static struct arena arena;
	struct store_delivery *list;
	struct err e;
	size_t n = 0;

	arena_done(&arena);
	assert_int_equal(store_delivery_due(s->store, 100, &arena, &list, &n, &e), 0);
	if (n)
		*first = list[0];
	else
		arena_done(&arena);
	return n;
}

/* Set back, it comes later by that; set forward, earlier. It is never given up for it. */
static void a_delivery_is_not_given_up_because_of_it(void **state)
{
	static struct scene s;
	struct store_delivery first;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		const struct store_hook hook = { .id = { { 1 } }, .url = "https://x/", .events = STORE_HOOK_JOB };
		struct store_hook own = hook;
		struct store_hold hold;

		scene_plain(&s);
		own.tenant = s.tenant;
		store_hook_put(s.store, &own, scene_answer, &s);
		assert_int_equal(scene_turn(&s), STORE_DONE);
		hold = scene_hold(&s);
		assert_int_equal(scene_finish(&s, &hold, JOB_FAILED), STORE_DONE);
		assert_int_equal(due(&s, &first), 1);
		jump(&s, jumps[i]); /* while it is under way */
		store_delivery_tried(s.store, &first, 500, "why", scene_answer, &s);
		assert_int_equal(scene_turn(&s), STORE_DONE);
		assert_int_equal(due(&s, &first), 0);
		scene_pass(&s, 5000);
		assert_int_equal(due(&s, &first), 1);
		jump(&s, -DAY_MS); /* while it waits: for as long */
		scene_pass(&s, (uint64_t)DAY_MS);
		assert_int_equal(due(&s, &first), 1);
		scene_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_knows_nothing_of_it),
		cmocka_unit_test(jobs_of_before_and_after_are_all_started_ended_and_listed),
		cmocka_unit_test(a_key_of_idempotency_goes_on_being_the_same_job),
		cmocka_unit_test(a_bucket_of_requests_knows_nothing_of_it),
		cmocka_unit_test(a_delivery_is_not_given_up_because_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
