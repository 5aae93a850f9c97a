/* store/claim: order, room, waiting claims, deadlines; and that a long queue costs a claim nothing. */
#include <sqlite3.h>

#include "scene.h"
#include "store/db.h"

static void priorities_first_and_nothing_starves(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_id low, high, later;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.priority = 1;
	low = scene_create_as(&s, &job);
	job.priority = 9;
	high = scene_create_as(&s, &job);
	scene_pass(&s, 9 * 60000); /* eight steps of priority are worth eight minutes */
	later = scene_create_as(&s, &job);
	assert_int_equal(scene_claim(&s, 3), 3);
	assert_memory_equal(&s.leases[0].hold.id, &high, sizeof(high));
	assert_memory_equal(&s.leases[1].hold.id, &low, sizeof(low));
	assert_memory_equal(&s.leases[2].hold.id, &later, sizeof(later));
	scene_end(&s);
}

static void a_claim_takes_no_more_than_there_is_room_for(void **state)
{
	const struct store_room rooms[] = { { "a", 2 }, { "b", 1 }, { "c", 5 } };
	static struct scene s;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	for (int i = 0; i < 4; i++) {
		job.class = "a";
		scene_create_as(&s, &job);
		job.class = "b";
		scene_create_as(&s, &job);
	}
	store_job_claim(s.store, rooms, 3, 100, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_leases, 3);
	store_job_claim(s.store, rooms + 1, 1, 100, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_leases, 1);
	scene_end(&s);
}

struct waiting {
	int called;
	size_t n_leases;
};

static void note(void *at, const struct store_answer *answer)
{
	struct waiting *const waiting = at;

	waiting->called++;
	waiting->n_leases = answer->n_leases;
}

static void a_claim_that_waits_rides_with_the_create(void **state)
{
	const struct store_room room = { "python/container", 4 };
	struct waiting first = { 0 }, second = { 0 };
	static struct scene s;

	(void)state;
	scene_plain(&s);
	store_job_claim(s.store, &room, 1, 4, true, note, &first);
	store_turn(s.store);
	assert_int_equal(first.called, 0);
	store_job_claim(s.store, &room, 1, 4, true, note, &second);
	store_turn(s.store);
	assert_int_equal(first.called, 1); /* the newer one takes its place */
	assert_int_equal(first.n_leases, 0);
	scene_create(&s, "{}");
	assert_int_equal(second.called, 1);
	assert_int_equal(second.n_leases, 1);
	store_job_claim(s.store, &room, 1, 4, true, note, &first);
	store_turn(s.store);
	store_close(s.store);
	assert_int_equal(first.called, 2); /* answered at the end, with nothing */
	assert_int_equal(first.n_leases, 0);
	scene_open(&s);
	scene_end(&s);
}

static void one_tenants_flood_delays_anothers_first_job_by_one_batch(void **state)
{
	static struct store_create jobs[STORE_BATCH_MAX];
	static struct scene s;
	struct store_create one;
	uint64_t other;
	bool found = false;

	(void)state;
	scene_plain(&s);
	for (size_t i = 0; i < STORE_BATCH_MAX; i++)
		jobs[i] = scene_job(&s, "{}");
	for (int i = 0; i < 4; i++) {
		store_job_create_batch(s.store, jobs, STORE_BATCH_MAX, true, scene_answer, &s);
		assert_int_equal(scene_turn(&s), STORE_DONE);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(scene_claim(&s, 8), 8);
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	one = scene_job(&s, "{}");
	one.tenant = other;
	scene_create_as(&s, &one);
	assert_int_equal(scene_claim(&s, 8), 8);
	for (size_t i = 0; i < s.n_leases; i++)
		found |= s.leases[i].hold.tenant == other;
	assert_true(found);
	scene_end(&s);
}

/* What a client or a claim asks walks an index in its order; sorting or scanning a table would grow with the queue. */
static void every_query_of_the_hot_path_walks_an_index_in_order(void **state)
{
	static const char *const texts[] = {
#define QUERY(id, sql) [Q_##id] = sql,
#include "store/queries.def"
#undef QUERY
	};
	static const enum query hot[] = {
		Q_QUEUE_HEAD, Q_JOB_READ, Q_DOCUMENT_READ, Q_STANDING, Q_IDEM_READ, Q_LEASES_DUE, Q_PAUSES_DUE,
		Q_DEADLINES_DUE, Q_PURGES_DUE, Q_BLOBS_DUE, Q_LIST_ALL, Q_LIST_STATE, Q_LIST_RUNTIME, Q_LIST_LABEL,
		Q_LABEL_IS, Q_EVENT_LIST, Q_KEY_FIND, Q_AUDIT_LAST, Q_BEAT, Q_JOB_UPDATE, Q_RESULT_READ, Q_ARTIFACT_READ,
		Q_ARTIFACT_LIST, Q_LABELS_READ, Q_ATTEMPTS_READ, Q_TENANT_LIST, Q_KEY_LIST, Q_AUDIT_LIST, Q_SIGNAL_LIST, Q_ALERT_LIST,
		Q_ALERT_LIST_ALL, Q_ALERT_AFTER, Q_ALERT_AFTER_ALL,
	};
	static struct scene s;
	sqlite3 *db;

	(void)state;
	scene_plain(&s);
	db = ledger_open(s.dir);
	for (size_t i = 0; i < sizeof(hot) / sizeof(*hot); i++) {
		char *const explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", texts[hot[i]]);
		sqlite3_stmt *statement;

		assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &statement, NULL), SQLITE_OK);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			const char *const step = (const char *)sqlite3_column_text(statement, 3);

			if (strstr(step, "TEMP B-TREE") || !strncmp(step, "SCAN", 4))
				fail_msg("%s: %s", step, texts[hot[i]]);
		}
		sqlite3_finalize(statement);
		if (hot[i] == Q_QUEUE_HEAD) {
			assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &statement, NULL), SQLITE_OK);
			assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
			assert_non_null(strstr((const char *)sqlite3_column_text(statement, 3), "USING PRIMARY KEY"));
			sqlite3_finalize(statement);
		}
		sqlite3_free(explain);
	}
	sqlite3_close(db);
	scene_end(&s);
}

static void a_job_past_its_deadline_ends_without_a_start(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_id id;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.deadline_ms = s.wall_ms + 1000;
	id = scene_create_as(&s, &job);
	scene_create_as(&s, &job);
	scene_pass(&s, 1000);
	assert_int_equal(scene_claim(&s, 8), 0);
	assert_int_equal(scene_get(&s, &id).state, JOB_REJECTED);
	assert_int_equal(scene_get(&s, &id).reason, REASON_DEADLINE);
	job.deadline_ms = s.wall_ms + 1000;
	id = scene_create_as(&s, &job);
	scene_pass(&s, 1000);
	assert_int_equal(scene_reap(&s), 1);
	assert_int_equal(scene_get(&s, &id).state, JOB_REJECTED);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priorities_first_and_nothing_starves),
		cmocka_unit_test(a_claim_takes_no_more_than_there_is_room_for),
		cmocka_unit_test(a_claim_that_waits_rides_with_the_create),
		cmocka_unit_test(one_tenants_flood_delays_anothers_first_job_by_one_batch),
		cmocka_unit_test(every_query_of_the_hot_path_walks_an_index_in_order),
		cmocka_unit_test(a_job_past_its_deadline_ends_without_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
