/* store/hold, store/finish, store/reap: leases, fences and what becomes of who loses one. */
#include "scene.h"

static enum store_outcome requeue(struct scene *s, const struct store_hold *hold, bool at_once)
{
	store_job_requeue(s->store, hold, REASON_SETUP, "no box", at_once, scene_answer, s);
	return scene_turn(s);
}

static enum store_outcome beat(struct scene *s, const struct store_hold *hold)
{
	store_job_beat(s->store, hold, 1, scene_answer, s);
	return scene_turn(s);
}

static void a_lease_that_is_kept_up_does_not_end(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 30000 });
	hold = scene_hold(&s);
	for (int i = 0; i < 10; i++) {
		scene_pass(&s, 29999);
		assert_int_equal(scene_reap(&s), 0);
		assert_int_equal(beat(&s, &hold), STORE_DONE);
	}
	scene_pass(&s, 30000);
	assert_int_equal(scene_reap(&s), 1);
	assert_int_equal(scene_get(&s, &hold.id).state, JOB_QUEUED);
	assert_int_equal(scene_get(&s, &hold.id).reason, REASON_LEASE);
	assert_int_equal(beat(&s, &hold), STORE_FENCED);
	scene_end(&s);
}

/* Stopped past its lease and woken up: whatever it writes then is refused. */
static void who_lost_the_lease_writes_nothing(void **state)
{
	static struct scene s;
	struct store_hold old, new;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 30000, .backoff_ms = 1000 });
	scene_create(&s, "{}");
	old = scene_lease(&s);
	scene_pass(&s, 30000);
	scene_reap(&s);
	assert_int_equal(scene_finish(&s, &old, JOB_SUCCEEDED), STORE_FENCED);
	scene_pass(&s, 1000);
	scene_reap(&s);
	new = scene_lease(&s);
	assert_true(new.fence > old.fence);
	assert_int_equal(scene_move(&s, &old, JOB_RUNNING), STORE_FENCED);
	assert_int_equal(requeue(&s, &old, false), STORE_FENCED);
	assert_int_equal(scene_finish(&s, &old, JOB_FAILED), STORE_FENCED);
	assert_int_equal(scene_finish(&s, &new, JOB_SUCCEEDED), STORE_DONE);
	assert_int_equal(scene_finish(&s, &old, JOB_FAILED), STORE_FENCED);
	assert_int_equal(scene_get(&s, &new.id).state, JOB_SUCCEEDED);
	scene_end(&s);
}

static void the_same_result_may_be_recorded_twice_and_another_not(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	scene_plain(&s);
	hold = scene_hold(&s);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_REPLAYED);
	assert_int_equal(scene_finish(&s, &hold, JOB_FAILED), STORE_FENCED);
	assert_int_equal(scene_get(&s, &hold.id).state, JOB_SUCCEEDED);
	scene_end(&s);
}

static void attempts_end_after_pauses_that_double(void **state)
{
	static const uint64_t pauses[] = { 1000, 2000 };
	static struct scene s;
	struct store_attempt *attempts;
	struct arena arena = { .blocks = NULL };
	struct store_hold hold;
	struct err e;
	size_t n;

	(void)state;
	scene_begin(&s, (struct store_options){ .backoff_ms = 1000 });
	scene_create(&s, "{}");
	for (size_t i = 0; i < 2; i++) {
		hold = scene_lease(&s);
		assert_int_equal(requeue(&s, &hold, false), STORE_REQUEUED);
		assert_int_equal(scene_get(&s, &hold.id).not_before_ms, s.wall_ms + pauses[i]);
		scene_pass(&s, pauses[i] - 1);
		assert_int_equal(scene_reap(&s), 0);
		assert_int_equal(scene_claim(&s, 1), 0);
		scene_pass(&s, 1);
		assert_int_equal(scene_reap(&s), 1);
	}
	hold = scene_lease(&s);
	assert_int_equal(requeue(&s, &hold, false), STORE_DONE);
	assert_int_equal(s.items[0].state, JOB_INFRA_FAILED);
	assert_int_equal(store_attempt_list(s.store, s.tenant, &hold.id, &arena, &attempts, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_int_equal(attempts[0].outcome, JOB_QUEUED);
	assert_int_equal(attempts[2].outcome, JOB_INFRA_FAILED);
	assert_string_equal(attempts[2].why, "no box");
	arena_done(&arena);
	scene_end(&s);
}

static void what_was_never_tried_does_not_count(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold hold;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.max_attempts = 1;
	scene_create_as(&s, &job);
	for (uint64_t i = 1; i < 20; i++) {
		hold = scene_lease(&s);
		assert_int_equal(hold.fence, i);
		assert_int_equal(s.leases[0].attempt, 1);
		assert_int_equal(requeue(&s, &hold, true), STORE_REQUEUED);
	}
	hold = scene_lease(&s);
	scene_reopen(&s); /* one attempt means at most once: a restart does not make it two */
	assert_int_equal(scene_get(&s, &hold.id).state, JOB_INFRA_FAILED);
	scene_end(&s);
}

static void the_wall_clock_may_jump_an_hour_either_way(void **state)
{
	static const int64_t jumps[] = { -3600000, 3600000, 7200000, -7200000 };
	static struct scene s;
	struct store_hold hold;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 30000, .backoff_ms = 1000 });
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
			hold = scene_hold(&s);
		s.wall_ms += (uint64_t)jumps[i];
		assert_int_equal(scene_reap(&s), 0); /* the lease knows nothing of it */
		assert_int_equal(beat(&s, &hold), STORE_DONE);
		assert_int_equal(requeue(&s, &hold, false), STORE_REQUEUED);
		s.wall_ms -= (uint64_t)jumps[i] * 2;
		assert_int_equal(scene_claim(&s, 1), 0);
		scene_pass(&s, 1000);
		assert_int_equal(scene_reap(&s), 1); /* nor does the pause */
		hold = scene_lease(&s);
		assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
	}
	scene_end(&s);
}

static void late_news_of_a_state_is_no_news(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	scene_plain(&s);
	hold = scene_hold(&s);
	assert_int_equal(scene_move(&s, &hold, JOB_FINISHING), STORE_DONE);
	assert_int_equal(scene_move(&s, &hold, JOB_RUNNING), STORE_DONE);
	assert_int_equal(scene_get(&s, &hold.id).state, JOB_FINISHING);
	scene_end(&s);
}

/* What ends within milliseconds was running all the same: when, and between which other states. */
static void a_start_may_be_told_with_the_end(void **state)
{
	static const enum job_state states[] = { JOB_QUEUED, JOB_LEASED, JOB_RUNNING, JOB_SUCCEEDED };
	static struct scene s;
	struct store_finish finish = { .state = JOB_SUCCEEDED, .document = { "{}", 2 } };
	OWN(arena) arena = { .total = 0 };
	struct store_event *events;
	struct store_hold hold;
	struct store_job job;
	struct err e = ERR_INIT;
	size_t n;

	(void)state;
	scene_plain(&s);
	hold = scene_hold(&s);
	finish.started_ms = s.wall_ms + 3;
	scene_pass(&s, 7);
	store_job_finish(s.store, &hold, &finish, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	job = scene_get(&s, &hold.id);
	assert_int_equal(job.state, JOB_SUCCEEDED);
	assert_int_equal(job.version, ARRAY_SIZE(states));
	assert_int_equal(job.started_ms, finish.started_ms);
	assert_int_equal(job.ended_ms, finish.started_ms + 4);
	assert_int_equal(store_event_list(s.store, s.tenant, &hold.id, 0, 10, &arena, &events, &n, &e), 0);
	assert_int_equal(n, ARRAY_SIZE(states));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(events[i].state, states[i]);
	assert_int_equal(events[2].at_ms, finish.started_ms);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_that_is_kept_up_does_not_end),
		cmocka_unit_test(who_lost_the_lease_writes_nothing),
		cmocka_unit_test(the_same_result_may_be_recorded_twice_and_another_not),
		cmocka_unit_test(attempts_end_after_pauses_that_double),
		cmocka_unit_test(what_was_never_tried_does_not_count),
		cmocka_unit_test(the_wall_clock_may_jump_an_hour_either_way),
		cmocka_unit_test(late_news_of_a_state_is_no_news),
		cmocka_unit_test(a_start_may_be_told_with_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
