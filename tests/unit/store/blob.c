/* store/blob, store/cancel: what stays as long as it is needed, what goes then, and files that may be unlinked. */
#include "scene.h"

#define DAY UINT64_C(86400000)

static struct store_blob blob_of(const char *text)
{
	return (struct store_blob){ sha256_of(text, strlen(text)), store_id_new(), strlen(text), 0 };
}

static enum store_outcome put(struct scene *s, const struct store_blob *blob)
{
	store_blob_put(s->store, s->tenant, blob, scene_answer, s);
	return scene_turn(s);
}

static size_t trash(struct scene *s, struct store_trash *first)
{
	struct arena arena = { .blocks = NULL };
	struct store_trash *list;
	struct err e;
	size_t n;

	assert_int_equal(store_trash_list(s->store, 100, &arena, &list, &n, &e), 0);
	if (n && first)
		*first = list[0];
	arena_done(&arena);
	return n;
}

static bool has(struct scene *s, const struct store_blob *blob)
{
	struct store_blob got;
	struct err e;
	const int found = store_blob_get(s->store, s->tenant, &blob->digest, &got, &e);

	assert_true(found >= 0);
	return found;
}

static void reap_all(struct scene *s)
{
	while (scene_reap(s))
		;
}

static void the_same_bytes_are_kept_once(void **state)
{
	struct store_blob first = blob_of("x"), second = blob_of("x"), got;
	struct store_trash gone;
	static struct scene s;
	struct err e;

	(void)state;
	scene_plain(&s);
	assert_int_equal(put(&s, &first), STORE_DONE);
	assert_int_equal(put(&s, &second), STORE_REPLAYED);
	assert_int_equal(store_blob_get(s.store, s.tenant, &first.digest, &got, &e), 1);
	assert_memory_equal(&got.file, &first.file, sizeof(got.file));
	assert_int_equal(trash(&s, &gone), 1);
	assert_memory_equal(&gone.file, &second.file, sizeof(gone.file));
	store_trash_done(s.store, &gone, 1, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(put(&s, &first), STORE_REPLAYED); /* asked again: its file is no trash */
	assert_int_equal(trash(&s, NULL), 0);
	assert_int_equal(store_blob_get(s.store, 99, &first.digest, &got, &e), 0); /* nor may others know of it */
	scene_end(&s);
}

static void a_blob_stays_while_a_job_needs_it(void **state)
{
	struct store_blob blob = blob_of("input");
	static struct scene s;
	struct store_create job;
	struct store_id id;

	(void)state;
	scene_plain(&s);
	put(&s, &blob);
	job = scene_job(&s, "{}");
	job.blobs = &blob.digest;
	job.n_blobs = 1;
	id = scene_create_as(&s, &job);
	scene_pass(&s, 10 * DAY);
	reap_all(&s);
	assert_true(has(&s, &blob));
	store_job_cancel(s.store, s.tenant, &id, scene_answer, &s);
	scene_turn(&s);
	reap_all(&s);
	assert_true(has(&s, &blob));
	scene_pass(&s, DAY); /* the job's own time is over */
	reap_all(&s);
	assert_false(has(&s, &blob));
	assert_int_equal(trash(&s, NULL), 2); /* its file, and the job's output */
	scene_end(&s);
}

static void a_blob_that_nobody_used_goes_after_a_day(void **state)
{
	struct store_blob blob = blob_of("unused"), again = blob_of("unused");
	static struct scene s;

	(void)state;
	scene_plain(&s);
	put(&s, &blob);
	scene_pass(&s, DAY - 1);
	put(&s, &again);
	scene_pass(&s, DAY - 1);
	reap_all(&s);
	assert_true(has(&s, &blob));
	scene_pass(&s, 1);
	reap_all(&s);
	assert_false(has(&s, &blob));
	scene_end(&s);
}

static void bytes_have_a_quota(void **state)
{
	struct store_blob small = blob_of("12345"), more = blob_of("123456");
	static struct scene s;
	struct store_usage usage;
	struct err e;

	(void)state;
	scene_plain(&s);
	s.tenant = scene_tenant(&s, (struct store_tenant){ .name = "small", .blob_bytes = 10 });
	assert_int_equal(put(&s, &small), STORE_DONE);
	assert_int_equal(put(&s, &more), STORE_QUOTA_BLOBS);
	more.bytes = UINT64_MAX;
	assert_int_equal(put(&s, &more), STORE_QUOTA_BLOBS);
	assert_int_equal(store_usage_get(s.store, s.tenant, &usage, &e), 1);
	assert_int_equal(usage.blob_bytes, 5);
	scene_end(&s);
}

static void artifacts_belong_to_the_result(void **state)
{
	const struct store_artifact artifacts[] = {
		{ "out/a.png", sha256_of("a", 1), store_id_new(), 1 }, { "out/b.png", sha256_of("a", 1), store_id_new(), 1 },
	};
	struct store_finish finish = { .state = JOB_SUCCEEDED, .artifacts = artifacts, .n_artifacts = 2 };
	struct arena arena = { .blocks = NULL };
	struct store_artifact got;
	struct store_result result;
	static struct scene s;
	struct store_hold hold;
	struct err e;

	(void)state;
	scene_plain(&s);
	hold = scene_hold(&s);
	store_job_finish(s.store, &hold, &finish, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(store_result_get(s.store, s.tenant, &hold.id, &arena, &result, &e), 1);
	assert_int_equal(result.finish.n_artifacts, 2);
	assert_int_equal(store_artifact_get(s.store, s.tenant, &hold.id, "out/b.png", &got, &e), 1);
	assert_memory_equal(&got.file, &artifacts[0].file, sizeof(got.file)); /* the same bytes, kept once */
	assert_int_equal(store_artifact_get(s.store, s.tenant, &hold.id, "out/c.png", &got, &e), 0);
	store_job_purge(s.store, s.tenant, &hold.id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	reap_all(&s);
	assert_int_equal(store_artifact_get(s.store, s.tenant, &hold.id, "out/b.png", &got, &e), 0);
	assert_int_equal(trash(&s, NULL), 3); /* both files, and the output */
	arena_done(&arena);
	scene_end(&s);
}

static void cancel_is_asked_once_and_answered_always(void **state)
{
	static struct scene s;
	struct store_hold hold;
	struct store_id id;

	(void)state;
	scene_plain(&s);
	id = scene_create(&s, "{}");
	hold = scene_lease(&s);
	for (int i = 0; i < 3; i++) {
		store_job_cancel(s.store, s.tenant, &id, scene_answer, &s);
		assert_int_equal(scene_turn(&s), STORE_STOPPING);
	}
	assert_true(s.last_change.is_cancel_asked);
	assert_int_equal(s.last_change.from, s.last_change.to);
	store_job_beat(s.store, &hold, 1, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(s.items[0].state, JOB_CANCELLED);
	store_job_purge(s.store, s.tenant, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_STOPPING);
	/* Its holder never confirms: the end of the lease does. */
	scene_pass(&s, 30000);
	scene_reap(&s);
	assert_int_equal(scene_get(&s, &id).state, JOB_CANCELLED);
	store_job_cancel(s.store, s.tenant, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_FINAL);
	scene_end(&s);
}

static void what_has_ended_goes_when_its_time_is_over(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold hold;
	struct store_trash gone;

	(void)state;
	scene_plain(&s);
	s.tenant = scene_tenant(&s, (struct store_tenant){ .name = "short", .retention_ms = 5000 });
	job = scene_job(&s, "{}");
	job.ttl_ms = 3600000; /* more than the tenant may have */
	scene_create_as(&s, &job);
	hold = scene_lease(&s);
	scene_finish(&s, &hold, JOB_SUCCEEDED);
	scene_pass(&s, 4999);
	assert_int_equal(scene_reap(&s), 0);
	scene_pass(&s, 1);
	assert_int_equal(scene_reap(&s), 1);
	assert_int_equal(scene_get(&s, &hold.id).version, 0);
	assert_int_equal(trash(&s, &gone), 1);
	assert_int_equal(gone.kind, STORE_TRASH_LOG);
	assert_memory_equal(&gone.file, &hold.id, sizeof(hold.id));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_are_kept_once),
		cmocka_unit_test(a_blob_stays_while_a_job_needs_it),
		cmocka_unit_test(a_blob_that_nobody_used_goes_after_a_day),
		cmocka_unit_test(bytes_have_a_quota),
		cmocka_unit_test(artifacts_belong_to_the_result),
		cmocka_unit_test(cancel_is_asked_once_and_answered_always),
		cmocka_unit_test(what_has_ended_goes_when_its_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
