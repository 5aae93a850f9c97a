/* store/schema: a store of every schema there was becomes one of the newest without losing a row; one of a newer ward is
 * left alone. */
#include "scene.h"
#include "store/db.h"
#include "store/store_list.h"

static const char *const scripts[] = {
#define EMBED(name, text, bare) text,
#include "schema.inc"
#undef EMBED
};
#define NEWEST (sizeof(scripts) / sizeof(*scripts))

static void alter(const char *dir, const char *sql)
{
	char path[128];
	struct db *db;
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "%s/store.db", dir);
	assert_int_equal(db_open(path, true, &db, &e), 0);
	if (db_script(db, sql, &e) < 0)
		fail_msg("%s", e.text);
	db_close(db);
}

static uint64_t version_of(const char *dir)
{
	char path[128];
	struct db *db;
	struct err e = ERR_INIT;
	uint64_t version = 0;

	snprintf(path, sizeof(path), "%s/store.db", dir);
	assert_int_equal(db_open(path, true, &db, &e), 0);
	assert_int_equal(db_version(db, &version, &e), 0);
	db_close(db);
	return version;
}

/* What each schema has since the first: a tenant, a job of it that waits, and its document. */
static const char rows[] =
	"INSERT INTO tenants(tenant_id, name, is_suspended, weight, threat, boundary_min, max_queued, max_running, starts_per_s,"
	" requests_per_s, cpu_ms_per_day, blob_bytes, retention_ms, policy, created_ms)"
	" VALUES(1, 'old', 0, 1, 2, '', 0, 0, 0, 0, 0, 0, 0, x'', 7);"
	"INSERT INTO usage(tenant_id, queued, created) VALUES(1, 1, 1);"
	"INSERT INTO jobs(tenant_id, job_id, state, version, fence, attempt, max_attempts, priority, reason, cancel_asked, last_seq,"
	" created_ms, started_ms, ended_ms, deadline_ms, ttl_ms, purge_ms, lease_boot, lease_until_ms, pause_until_ms, name, runtime,"
	" boundary, class, webhook) VALUES(1, x'00000000000000000000000000000001', 0, 1, 0, 0, 3, 5, 0, 0, 1, 7, 0, 0, 0, 9, 0, NULL, 0, "
	"0, 'n', 'python', 'container', 'python/container', NULL);"
	"INSERT INTO documents VALUES(1, x'00000000000000000000000000000001', x'7b7d');"
	"INSERT INTO events VALUES(1, x'00000000000000000000000000000001', 1, 7, 'state', 0, x'');"
	"INSERT INTO queue VALUES(1, 'python/container', 7 - 5 * 60000, x'00000000000000000000000000000001');";

/* A place with what a ward of that version left. */
static void leave_old(struct scene *s, size_t version)
{
	char stamp[64];

	memset(s, 0, sizeof(*s));
	ledger_place(s->dir);
	s->wall_ms = SCENE_WALL;
	s->steady_ms = SCENE_STEADY;
	for (size_t i = 0; i < version; i++)
		alter(s->dir, scripts[i]);
	snprintf(stamp, sizeof(stamp), "PRAGMA user_version=%zu", version);
	alter(s->dir, stamp);
	alter(s->dir, rows);
}

static void a_store_of_each_schema_becomes_one_of_the_newest(void **state)
{
	(void)state;
	assert_true(NEWEST > 1);
	for (size_t version = 1; version <= NEWEST; version++) {
		static struct scene s;
		struct arena arena = { .blocks = NULL };
		struct store_tenant tenant;
		struct store_hold hold;
		struct err e;

		leave_old(&s, version);
		assert_int_equal(version_of(s.dir), version);
		for (int i = 0; i < 2; i++) {
			scene_open(&s);
			assert_int_equal(store_tenant_find(s.store, "old", &arena, &tenant, &e), 1);
			assert_false(tenant.is_suspended);
			assert_string_equal(tenant.suspended_why, "");
			assert_int_equal(tenant.created_ms, 7);
			store_close(s.store);
			assert_int_equal(version_of(s.dir), NEWEST);
		}
		scene_open(&s);
		s.tenant = 1;
		hold = scene_lease(&s);
		assert_string_equal(s.document, "{}");
		assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_DONE);
		assert_int_equal(scene_get(&s, &hold.id).state, JOB_SUCCEEDED);
		arena_done(&arena);
		scene_end(&s);
	}
}

static void a_newer_schema_is_left_alone(void **state)
{
	static struct scene s;
	struct store *store = NULL;
	struct err e = ERR_INIT;

	(void)state;
	scene_plain(&s);
	store_close(s.store);
	alter(s.dir, "PRAGMA user_version = 999");
	assert_int_equal(store_open(&s.options, &store, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "newer"));
	scene_remove(s.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_of_each_schema_becomes_one_of_the_newest),
		cmocka_unit_test(a_newer_schema_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
