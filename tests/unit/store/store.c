/* store/store: a job from its creation to its end and after it, as the front sees it. */
#include "store/store.h"

#include <poll.h>
#include <sys/stat.h>

#include "scene.h"

static void a_job_goes_from_its_queue_to_its_result(void **state)
{
	static struct scene s;
	struct store_hold hold;
	struct store_result result;
	struct store_id id;
	struct arena arena = { .blocks = NULL };
	struct err e;

	(void)state;
	scene_plain(&s);
	id = scene_create(&s, "{\"a\":1}");
	assert_int_equal(s.n_changes, 1);
	hold = scene_lease(&s);
	assert_string_equal(s.document, "{\"a\":1}");
	assert_int_equal(s.leases[0].attempt, 1);
	assert_memory_equal(&hold.id, &id, sizeof(id));
	assert_int_equal(scene_claim(&s, 1), 0);
	assert_int_equal(scene_move(&s, &hold, JOB_RUNNING), STORE_DONE);
	assert_int_equal(scene_get(&s, &id).state, JOB_RUNNING);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
	assert_int_equal(s.last_change.to, JOB_SUCCEEDED);
	assert_int_equal(store_result_get(s.store, s.tenant, &id, &arena, &result, &e), 1);
	assert_int_equal(result.finish.state, JOB_SUCCEEDED);
	assert_int_equal(result.fence, hold.fence);
	assert_int_equal(scene_get(&s, &id).state, JOB_SUCCEEDED);
	arena_done(&arena);
	scene_end(&s);
}

static void another_tenants_job_is_not_there(void **state)
{
	static struct scene s;
	struct arena arena = { .blocks = NULL };
	struct store_bytes document;
	struct store_result result;
	struct store_job job;
	struct store_id id;
	uint64_t other;
	struct err e;

	(void)state;
	scene_plain(&s);
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	id = scene_create(&s, "{}");
	assert_int_equal(store_job_get(s.store, other, &id, &arena, &job, &e), 0);
	assert_int_equal(store_job_document(s.store, other, &id, &arena, &document, &e), 0);
	assert_int_equal(store_result_get(s.store, other, &id, &arena, &result, &e), 0);
	store_job_cancel(s.store, other, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	store_job_purge(s.store, other, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	store_event_append(s.store, other, &id, "alert", (struct store_bytes){ "{}", 2 }, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	arena_done(&arena);
	scene_end(&s);
}

static void what_an_earlier_process_held_is_queued_again_at_once(void **state)
{
	static struct scene s;
	struct store_hold hold;
	struct store_job job;

	(void)state;
	scene_plain(&s);
	hold = scene_hold(&s);
	assert_int_equal(scene_move(&s, &hold, JOB_RUNNING), STORE_DONE);
	scene_reopen(&s);
	job = scene_get(&s, &hold.id);
	assert_int_equal(job.state, JOB_QUEUED);
	assert_int_equal(job.reason, REASON_RESTART);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_FENCED);
	hold = scene_lease(&s);
	assert_int_equal(s.leases[0].attempt, 2);
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
	scene_end(&s);
}

static void one_directory_has_one_store(void **state)
{
	static struct scene s;
	struct store_options options;
	struct store *second = NULL;
	struct err e = ERR_INIT;

	(void)state;
	scene_plain(&s);
	options = s.options;
	assert_int_equal(store_open(&options, &second, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.text, "in use"));
	scene_end(&s);
}

static void nobody_else_may_read_it(void **state)
{
	static const char *const names[] = { "store.db", "store.db-wal", "store.db-shm", "store.lock" };
	static struct scene s;
	struct stat info;
	char path[128];

	(void)state;
	scene_plain(&s);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", s.dir, names[i]);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0600);
	}
	scene_end(&s);
}

/* With the thread: callbacks come in the order of the calls, each once, also those that were on their way at the end. */
struct counter {
	int called, in_order;
};

static void count_one(void *at, const struct store_answer *answer)
{
	struct counter *const counter = at;

	assert_int_equal(answer->err.kind, ERR_NONE);
	assert_int_equal(answer->outcome, STORE_DONE);
	counter->called++;
}

static void with_thread(struct scene *s)
{
	struct err e = ERR_INIT;

	scene_plain(s);
	store_close(s->store);
	s->options.is_inline = false;
	s->options.clock = (struct store_clock){ NULL, NULL, NULL };
	assert_int_equal(store_open(&s->options, &s->store, &e), 0);
}

static void what_was_gathered_is_answered(void **state)
{
	static struct scene s;
	struct counter counter = { 0, 0 };
	struct store_create job;

	(void)state;
	with_thread(&s);
	job = scene_job(&s, "{}");
	store_gather(s.store);
	for (int i = 0; i < 3; i++)
		store_job_create(s.store, &job, count_one, &counter);
	store_go(s.store);
	while (counter.called < 3) {
		struct pollfd ready = { store_fd(s.store), POLLIN, 0 };

		assert_int_equal(poll(&ready, 1, 20000), 1);
		store_turn(s.store);
	}
	assert_int_equal(counter.called, 3);
	scene_end(&s);
}

static void closing_answers_what_was_asked(void **state)
{
	static struct scene s;
	struct counter counter = { 0, 0 };
	struct store_create job;
	struct store_usage usage;
	struct err e = ERR_INIT;

	(void)state;
	with_thread(&s);
	job = scene_job(&s, "{}");
	for (int i = 0; i < 700; i++)
		store_job_create(s.store, &job, count_one, &counter);
	store_close(s.store);
	assert_int_equal(counter.called, 700);
	scene_open(&s);
	assert_int_equal(store_usage_get(s.store, s.tenant, &usage, &e), 1);
	assert_int_equal(usage.queued, 700);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_goes_from_its_queue_to_its_result),
		cmocka_unit_test(another_tenants_job_is_not_there),
		cmocka_unit_test(what_an_earlier_process_held_is_queued_again_at_once),
		cmocka_unit_test(one_directory_has_one_store),
		cmocka_unit_test(nobody_else_may_read_it),
		cmocka_unit_test(what_was_gathered_is_answered),
		cmocka_unit_test(closing_answers_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
