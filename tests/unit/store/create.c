/* store/create: who is let in, and that one key is one job. */
#include "scene.h"

static enum store_outcome create(struct scene *s, const struct store_create *job)
{
	store_job_create(s->store, job, scene_answer, s);
	return scene_turn(s);
}

/* A scene, and a job with the key "k". */
static struct store_create begin_keyed(struct scene *s, const char *document)
{
	struct store_create job;

	scene_plain(s);
	job = scene_job(s, document);
	job.key = "k";
	return job;
}

static void one_key_is_one_job(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_id id;

	(void)state;
	job = begin_keyed(&s, "{\"a\":1}");
	id = scene_create_as(&s, &job);
	assert_int_equal(create(&s, &job), STORE_REPLAYED);
	assert_memory_equal(&s.items[0].id, &id, sizeof(id));
	assert_int_equal(s.items[0].state, JOB_QUEUED);
	job.document = (struct store_bytes){ "{\"a\":2}", 7 };
	assert_int_equal(create(&s, &job), STORE_MISMATCH);
	job.key = "K";
	assert_int_equal(create(&s, &job), STORE_DONE);
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	assert_int_equal(create(&s, &job), STORE_DONE); /* keys are a tenant's own */
	scene_end(&s);
}

struct race {
	int done, replayed, other;
	struct store_id id;
};

static void count(void *at, const struct store_answer *answer)
{
	struct race *const race = at;

	race->done += answer->outcome == STORE_DONE;
	race->replayed += answer->outcome == STORE_REPLAYED;
	race->other += answer->err.kind != ERR_NONE;
	if (answer->outcome == STORE_DONE)
		race->id = answer->items[0].id;
	else
		assert_memory_equal(&answer->items[0].id, &race->id, sizeof(race->id));
}

static void sixty_four_at_once_with_one_key_are_one_job(void **state)
{
	static struct scene s;
	struct race race = { 0 };
	struct store_create job;

	(void)state;
	job = begin_keyed(&s, "{}");
	for (int i = 0; i < 64; i++)
		store_job_create(s.store, &job, count, &race);
	store_turn(s.store);
	assert_int_equal(race.done, 1);
	assert_int_equal(race.replayed, 63);
	assert_int_equal(race.other, 0);
	scene_end(&s);
}

static void a_key_outlives_seven_days_and_its_job(void **state)
{
	static struct scene s;
	struct store_create job;

	(void)state;
	job = begin_keyed(&s, "{}");
	scene_create_as(&s, &job);
	scene_pass(&s, 30 * 86400000ULL); /* it waits for a month */
	while (scene_reap(&s))
		;
	assert_int_equal(create(&s, &job), STORE_REPLAYED);
	store_job_cancel(s.store, s.tenant, &s.items[0].id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	scene_pass(&s, 3 * 86400000ULL); /* its day after the end is over */
	while (scene_reap(&s))
		;
	assert_int_equal(create(&s, &job), STORE_DONE);
	scene_end(&s);
}

static void a_purged_job_is_not_made_again_by_its_key(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_id id;

	(void)state;
	job = begin_keyed(&s, "{}");
	id = scene_create_as(&s, &job);
	store_job_cancel(s.store, s.tenant, &id, scene_answer, &s);
	scene_turn(&s);
	store_job_purge(s.store, s.tenant, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(create(&s, &job), STORE_REPLAYED);
	assert_memory_equal(&s.items[0].id, &id, sizeof(id));
	scene_end(&s);
}

static void a_full_queue_says_when_to_come_back(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold hold;

	(void)state;
	scene_begin(&s, (struct store_options){ .max_queued = 5 });
	job = scene_job(&s, "{}");
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "small", .max_queued = 2 });
	scene_create_as(&s, &job);
	scene_create_as(&s, &job);
	assert_int_equal(create(&s, &job), STORE_QUOTA_QUEUED);
	assert_in_range(s.items[0].retry_ms, 1000, 3600000);
	hold = scene_lease(&s);
	assert_int_equal(create(&s, &job), STORE_DONE);
	assert_int_equal(scene_finish(&s, &hold, JOB_FAILED), STORE_DONE);
	job.tenant = s.tenant;
	for (int i = 0; i < 3; i++)
		scene_create_as(&s, &job);
	assert_int_equal(create(&s, &job), STORE_QUEUE_FULL);
	scene_end(&s);
}

static void processor_time_of_the_day_is_a_quota(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold hold;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "small", .cpu_ms_per_day = 1 });
	for (int i = 0; i < 3; i++)
		scene_create_as(&s, &job);
	hold = scene_lease(&s);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE); /* took 1 ms */
	assert_int_equal(create(&s, &job), STORE_QUOTA_CPU);
	assert_in_range(s.items[0].retry_ms, 1, 86400000);
	assert_int_equal(scene_claim(&s, 1), 0); /* what was accepted waits */
	scene_pass(&s, 86400000);
	assert_int_equal(scene_claim(&s, 1), 1);
	assert_int_equal(create(&s, &job), STORE_DONE);
	scene_end(&s);
}

static void a_tenant_has_so_many_sessions_and_no_more(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_id first;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.is_session = true;
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "talks", .sessions = 2 });
	first = scene_create_as(&s, &job);
	scene_create_as(&s, &job);
	assert_int_equal(create(&s, &job), STORE_QUOTA_SESSIONS);
	assert_true(s.items[0].retry_ms > 0);
	job.is_session = false;
	assert_int_equal(create(&s, &job), STORE_DONE);
	store_job_cancel(s.store, job.tenant, &first, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	job.is_session = true;
	assert_int_equal(create(&s, &job), STORE_DONE);
	scene_end(&s);
}

static void what_is_kept_is_a_quota_until_it_is_removed(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold hold;
	struct store_finish finish = { .state = JOB_SUCCEEDED, .document = { "{}", 2 }, .kept_bytes = 100,
				       .small = { { "seen", 4 } } };
	char bytes[8];

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "keeps", .kept_bytes = 100 });
	scene_create_as(&s, &job);
	hold = scene_lease(&s);
	assert_int_equal(store_output_read(s.store, job.tenant, &hold.id, STORE_OUT, 0, bytes, sizeof(bytes)), -1);
	store_job_finish(s.store, &hold, &finish, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(store_output_read(s.store, job.tenant, &hold.id, STORE_OUT, 1, bytes, 2), 2);
	assert_memory_equal(bytes, "ee", 2);
	assert_int_equal(store_output_read(s.store, job.tenant, &hold.id, STORE_OUT, 4, bytes, 2), 0);
	assert_int_equal(store_output_read(s.store, job.tenant, &hold.id, STORE_ERR, 0, bytes, 2), -1); /* in a file */
	assert_int_equal(store_output_read(s.store, s.tenant, &hold.id, STORE_OUT, 0, bytes, 2), -1);
	assert_int_equal(create(&s, &job), STORE_QUOTA_KEPT);
	ledger_check(s.dir);
	store_job_purge(s.store, job.tenant, &hold.id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(create(&s, &job), STORE_DONE);
	scene_end(&s);
}

/* Three jobs a second leave the queue: of its own tenant's, and nobody else's. */
static void a_job_that_would_wait_too_long_is_not_taken(void **state)
{
	static struct scene s;
	struct store_create job, other;

	(void)state;
	scene_begin(&s, (struct store_options){ .max_wait_ms = 10000 });
	job = other = scene_job(&s, "{}");
	other.tenant = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	for (int i = 0; i < 60; i++)
		scene_create_as(&s, &job); /* nothing is known yet: none is refused */
	for (int i = 0; i < 24; i++) {
		struct store_hold hold;

		scene_pass(&s, 333);
		hold = scene_lease(&s);
		assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
	}
	assert_int_equal(create(&s, &job), STORE_QUEUE_WAIT); /* 36 wait */
	assert_in_range(s.items[0].retry_ms, 1000, 4000);
	assert_int_equal(create(&s, &other), STORE_DONE);
	assert_int_equal(create(&s, &other), STORE_DONE);
	scene_pass(&s, 333);
	for (int i = 0; i < 12; i++)
		scene_lease(&s);
	assert_int_equal(create(&s, &job), STORE_DONE);
	scene_end(&s);
}

static void strangers_and_the_suspended_are_not_let_in(void **state)
{
	static struct scene s;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.tenant = 77;
	assert_int_equal(create(&s, &job), STORE_MISSING);
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "bad", .is_suspended = true });
	assert_int_equal(create(&s, &job), STORE_SUSPENDED);
	job.tenant = s.tenant;
	job.blobs = &(struct digest){ .bytes = { 1 } };
	job.n_blobs = 1;
	assert_int_equal(create(&s, &job), STORE_MISSING);
	scene_end(&s);
}

static void an_atomic_batch_is_whole_or_nothing(void **state)
{
	static struct scene s;
	struct store_create jobs[4];
	struct store_usage usage;
	struct err e;

	(void)state;
	scene_plain(&s);
	for (int i = 0; i < 4; i++)
		jobs[i] = scene_job(&s, "{}");
	jobs[0].key = jobs[1].key = "same";
	jobs[3].tenant = 77;
	store_job_create_batch(s.store, jobs, 4, true, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_items, 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s.items[i].outcome, STORE_NOT_APPLIED);
	assert_int_equal(s.items[3].outcome, STORE_MISSING);
	assert_int_equal(s.n_changes, 0);
	assert_int_equal(scene_claim(&s, 5), 0);
	store_job_create_batch(s.store, jobs, 4, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.items[1].outcome, STORE_REPLAYED);
	assert_int_equal(store_usage_get(s.store, s.tenant, &usage, &e), 1);
	assert_int_equal(usage.queued, 2);
	assert_int_equal(scene_claim(&s, 5), 2);
	scene_end(&s);
}

static void what_is_too_long_is_refused_whole(void **state)
{
	static struct scene s;
	char longer[STORE_KEY_MAX + 2];
	struct store_create job;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.key = longer;
	assert_int_equal(create(&s, &job), STORE_OUTCOMES);
	assert_int_equal(s.err.kind, ERR_USAGE);
	job = scene_job(&s, "{}");
	job.class = longer;
	assert_int_equal(create(&s, &job), STORE_OUTCOMES);
	assert_int_equal(scene_claim(&s, 5), 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_key_is_one_job),
		cmocka_unit_test(sixty_four_at_once_with_one_key_are_one_job),
		cmocka_unit_test(a_key_outlives_seven_days_and_its_job),
		cmocka_unit_test(a_purged_job_is_not_made_again_by_its_key),
		cmocka_unit_test(a_full_queue_says_when_to_come_back),
		cmocka_unit_test(processor_time_of_the_day_is_a_quota),
		cmocka_unit_test(a_tenant_has_so_many_sessions_and_no_more),
		cmocka_unit_test(what_is_kept_is_a_quota_until_it_is_removed),
		cmocka_unit_test(a_job_that_would_wait_too_long_is_not_taken),
		cmocka_unit_test(strangers_and_the_suspended_are_not_let_in),
		cmocka_unit_test(an_atomic_batch_is_whole_or_nothing),
		cmocka_unit_test(what_is_too_long_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
