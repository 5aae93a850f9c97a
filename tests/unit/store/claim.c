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

static int turn_of;

static void note_turn(void *at, const struct store_answer *answer)
{
	assert_int_equal(answer->err.kind, ERR_NONE);
	*(int *)at = ++turn_of;
}

/* Whoever waits for the end of a new job waits for one sync, not for two; but a job that may be run once only is not
 * begun before it lies on the disk that it was. */
static void a_new_job_is_handed_over_before_its_create_is_answered(void **state)
{
	const struct store_room room = { "python/container", 4 };
	static struct scene s;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	for (uint32_t attempts = 1; attempts <= 2; attempts++) {
		int claimed = 0, created = 0;

		turn_of = 0;
		store_job_claim(s.store, &room, 1, 4, true, note_turn, &claimed);
		store_turn(s.store);
		assert_int_equal(claimed, 0);
		job = scene_job(&s, "{}");
		job.max_attempts = attempts;
		s.n_changes = 0;
		store_job_create(s.store, &job, note_turn, &created);
		store_turn(s.store);
		assert_int_equal(claimed, attempts == 1 ? 2 : 1);
		assert_int_equal(created, attempts == 1 ? 1 : 2);
		assert_int_equal(s.n_changes, 2); /* both moves were told, once each and in their order */
		assert_int_equal(s.last_change.to, JOB_LEASED);
	}
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

/* Statements that read a table or an index from its beginning, or sort: each with why that does not grow with the jobs
 * there are. Of all others none may. */
static const struct {
	enum query query;
	bool scans, sorts;
	const char *why;
} known[] = {
	{ Q_QUEUE_COUNT, true, false, "once, when the store is opened" },
	{ Q_FAIR_LOAD, true, false, "a row for each tenant, when the store is opened" },
	{ Q_QUEUE_OLDEST, true, true, "a row for each tenant" },
	{ Q_USAGE_ALL, true, false, "a row for each tenant" },
	{ Q_ENDINGS_ALL, true, true, "six rows for each tenant" },
	{ Q_LEDGER, true, false, "rows for each tenant, and what is live: at most each five seconds" },
	{ Q_TRASH_LIST, true, false, "from the beginning of a key, as far as its LIMIT" },
	{ Q_KINDS_SINCE, false, true, "adds up a range of an index that holds all it needs: the signals of a day" },
	{ Q_TENANTS_SINCE, false, true, "the same" },
	{ Q_CALLS_SINCE, false, true, "the same of refused calls: a row for each hour, tenant and number" },
	{ Q_HOOK_LISTENERS, false, true, "sixteen of a tenant, and the operator's" },
	{ Q_HOOK_FIGURES, true, false, "sixteen of each tenant" },
	{ Q_SNAPSHOT_COUNT, true, false, "a backup reads everything" },
	{ Q_SNAPSHOT_FILES, true, false, "a backup reads everything" },
	{ Q_SNAPSHOT_BLOB, true, false, "a backup, of a file that is gone" },
};

/* What the plan of a statement does. */
static void look_at_plan(sqlite3 *db, const char *text, bool *scans, bool *sorts)
{
	char *const explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char *const step = (const char *)sqlite3_column_text(statement, 3);

		*sorts |= strstr(step, "TEMP B-TREE") != NULL;
		*scans |= !strncmp(step, "SCAN", 4) && strcmp(step, "SCAN CONSTANT ROW") != 0;
	}
	sqlite3_finalize(statement);
	sqlite3_free(explain);
}

/* What the first step of a plan reads. */
static void look_for(sqlite3 *db, const char *text, const char *words)
{
	char *const explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	if (!strstr((const char *)sqlite3_column_text(statement, 3), words))
		fail_msg("%s, not %s: %s", (const char *)sqlite3_column_text(statement, 3), words, text);
	sqlite3_finalize(statement);
	sqlite3_free(explain);
}

static void every_query_walks_an_index_in_its_order(void **state)
{
	static const char *const texts[] = {
#define QUERY(id, sql) [Q_##id] = sql,
#include "store/queries.def"
#undef QUERY
	};
	static struct scene s;
	sqlite3 *db;

	(void)state;
	scene_plain(&s);
	db = ledger_open(s.dir);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		bool scans = false, sorts = false, may_scan = false, may_sort = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
			if (known[k].query == (enum query)i) {
				may_scan = known[k].scans;
				may_sort = known[k].sorts;
			}
		look_at_plan(db, texts[i], &scans, &sorts);
		if (scans != may_scan || sorts != may_sort)
			fail_msg("%s, %s: %s", scans ? "scans" : "does not scan", sorts ? "sorts" : "does not sort", texts[i]);
	}
	look_for(db, texts[Q_QUEUE_HEAD], "USING PRIMARY KEY");
	look_for(db, texts[Q_LIST_ALL], "USING PRIMARY KEY");
	look_for(db, texts[Q_CALLS_SINCE], "USING COVERING INDEX");
	look_for(db, texts[Q_ALERTS_OPEN], "USING COVERING INDEX");
	look_for(db, texts[Q_ALERTS_OPEN_ALL], "USING COVERING INDEX");
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

static void note_change(void *at, const struct store_change *change)
{
	enum job_state *const last = at;

	*last = change->to;
}

static void who_waits_for_a_late_job_is_told_while_a_claim_waits(void **state)
{
	const struct store_room room = { "python/container", 4 };
	enum job_state last = JOB_RUNNING;
	struct waiting waiting = { 0 };
	static struct scene s;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	store_watch(s.store, note_change, &last);
	store_job_claim(s.store, &room, 1, 4, true, note, &waiting);
	store_turn(s.store);
	job = scene_job(&s, "{}");
	job.deadline_ms = s.wall_ms;
	scene_create_as(&s, &job);
	assert_int_equal(last, JOB_REJECTED);
	assert_int_equal(waiting.called, 1); /* and comes again */
	assert_int_equal(waiting.n_leases, 0);
	scene_end(&s);
}

static void memory_of_all_that_runs_is_bounded(void **state)
{
	static struct scene s;
	struct store_create job;
	struct store_hold holds[2];

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "small", .memory_bytes = 100 });
	job.memory_bytes = 101;
	store_job_create(s.store, &job, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_QUOTA_MEMORY);
	job.memory_bytes = 40;
	for (int i = 0; i < 4; i++)
		scene_create_as(&s, &job);
	assert_int_equal(scene_claim(&s, 9), 2);
	holds[0] = s.leases[0].hold;
	holds[1] = s.leases[1].hold;
	assert_int_equal(scene_claim(&s, 9), 0);
	scene_create(&s, "{}"); /* another tenant's goes on */
	assert_int_equal(scene_claim(&s, 9), 1);
	assert_int_equal(scene_finish(&s, &holds[0], JOB_SUCCEEDED), STORE_DONE);
	assert_int_equal(scene_claim(&s, 9), 1);
	scene_reopen(&s); /* what was held is queued again, and has its memory back */
	assert_int_equal(scene_claim(&s, 9), 3);
	ledger_check(s.dir);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_all_that_runs_is_bounded),
		cmocka_unit_test(priorities_first_and_nothing_starves),
		cmocka_unit_test(a_claim_takes_no_more_than_there_is_room_for),
		cmocka_unit_test(a_claim_that_waits_rides_with_the_create),
		cmocka_unit_test(a_new_job_is_handed_over_before_its_create_is_answered),
		cmocka_unit_test(one_tenants_flood_delays_anothers_first_job_by_one_batch),
		cmocka_unit_test(every_query_walks_an_index_in_its_order),
		cmocka_unit_test(a_job_past_its_deadline_ends_without_a_start),
		cmocka_unit_test(who_waits_for_a_late_job_is_told_while_a_claim_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
