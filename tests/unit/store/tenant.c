/* store/tenant, store/key, store/audit: who may, with which key, and what was written down of it. */
#include "scene.h"

static enum store_outcome put_key(struct scene *s, const struct store_key *key, const char *text)
{
	store_key_put(s->store, key, text, scene_answer, s);
	return scene_turn(s);
}

/* A scene, and a key of its tenant that is not put yet. */
static void begin(struct scene *s, struct store_key *key, char text[STORE_KEY_TEXT])
{
	struct err e;

	scene_plain(s);
	key->tenant = s->tenant;
	assert_int_equal(store_key_make(text, key->public, &e), 0);
}

static int find(struct scene *s, const char *text, struct store_key *out)
{
	static struct arena arena;
	struct err e;

	arena_done(&arena);
	return store_key_find(s->store, text, strlen(text), &arena, out, &e);
}

/* By its public part, which is no secret: says whether the key still is one. */
static int get(struct scene *s, const char *public)
{
	OWN(arena) arena = { .total = 0 };
	struct store_key key;
	struct err e;

	return store_key_get(s->store, public, &arena, &key, &e);
}

static void a_key_opens_its_tenant_and_no_near_miss_does(void **state)
{
	struct store_key key = { .name = "ci", .scopes = STORE_JOBS_WRITE | STORE_JOBS_READ }, got;
	char text[STORE_KEY_TEXT], wrong[STORE_KEY_TEXT + 1];
	static struct scene s;

	(void)state;
	begin(&s, &key, text);
	assert_int_equal(strlen(text), STORE_KEY_TEXT - 1);
	assert_int_equal(find(&s, text, &got), 0);
	assert_int_equal(put_key(&s, &key, text), STORE_DONE);
	assert_int_equal(find(&s, text, &got), 1);
	assert_int_equal(got.tenant, s.tenant);
	assert_int_equal(got.scopes, key.scopes);
	for (size_t i = 0; i < strlen(text); i++) {
		strcpy(wrong, text);
		wrong[i] = wrong[i] == 'q' ? 'r' : 'q';
		assert_int_equal(find(&s, wrong, &got), 0);
	}
	wrong[STORE_KEY_TEXT - 2] = '\0';
	assert_int_equal(find(&s, wrong, &got), 0);
	assert_int_equal(find(&s, "", &got), 0);
	assert_int_equal(put_key(&s, &key, text), STORE_TAKEN);
	scene_end(&s);
}

static void a_key_that_is_revoked_or_expired_opens_nothing(void **state)
{
	struct store_key key = { .name = "k" }, got;
	char text[STORE_KEY_TEXT];
	static struct scene s;
	struct err e;

	(void)state;
	begin(&s, &key, text);
	key.expires_ms = s.wall_ms + 1000;
	put_key(&s, &key, text);
	scene_pass(&s, 999);
	assert_int_equal(find(&s, text, &got), 1);
	assert_int_equal(get(&s, key.public), 1);
	scene_pass(&s, 1);
	assert_int_equal(find(&s, text, &got), 0);
	assert_int_equal(get(&s, key.public), 0);
	key.expires_ms = 0;
	assert_int_equal(store_key_make(text, key.public, &e), 0);
	put_key(&s, &key, text);
	assert_int_equal(find(&s, text, &got), 1);
	store_key_revoke(s.store, s.tenant + 1, key.public, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING); /* another tenant's */
	store_key_revoke(s.store, s.tenant, key.public, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(find(&s, text, &got), 0);
	assert_int_equal(get(&s, key.public), 0);
	assert_int_equal(get(&s, "zzzzzzzz"), 0);
	key.tenant = 99;
	assert_int_equal(put_key(&s, &key, text), STORE_MISSING);
	scene_end(&s);
}

/* The file has the digest alone. */
static void no_secret_is_in_the_state_directory(void **state)
{
	static const char *const names[] = { "store.db", "store.db-wal" };
	struct store_key key = { .name = "k" };
	char text[STORE_KEY_TEXT], path[128];
	static char bytes[1 << 22];
	static struct scene s;

	(void)state;
	begin(&s, &key, text);
	put_key(&s, &key, text);
	for (size_t i = 0; i < 2; i++) {
		FILE *file;
		size_t n;

		snprintf(path, sizeof(path), "%s/%s", s.dir, names[i]);
		file = fopen(path, "r");
		assert_non_null(file);
		n = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		assert_in_range(n, 1, sizeof(bytes) - 1);
		assert_null(memmem(bytes, n, text + 12, 43));
	}
	scene_end(&s);
}

static void tenants_have_names_of_their_own(void **state)
{
	struct arena arena = { .blocks = NULL };
	struct store_tenant tenant = { .name = "default", .weight = 1 }, *list;
	static struct scene s;
	struct err e;
	size_t n;

	(void)state;
	scene_plain(&s);
	store_tenant_put(s.store, &tenant, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_TAKEN);
	tenant.id = s.tenant;
	tenant.max_running = 1;
	store_tenant_put(s.store, &tenant, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	scene_create(&s, "{}");
	scene_create(&s, "{}");
	assert_int_equal(scene_claim(&s, 2), 1); /* in force at once */
	tenant.weight = 0;
	store_tenant_put(s.store, &tenant, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_OUTCOMES);
	assert_int_equal(s.err.kind, ERR_USAGE);
	tenant = (struct store_tenant){ .id = 99, .name = "new", .weight = 1 };
	store_tenant_put(s.store, &tenant, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	assert_int_equal(store_tenant_list(s.store, 0, 10, &arena, &list, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].max_running, 1);
	arena_done(&arena);
	scene_end(&s);
}

static void requests_come_out_of_a_bucket(void **state)
{
	const struct store_tenant tenant = { .id = 1, .requests_per_s = 10 }, free_one = { .id = 2 };
	static struct scene s;
	int taken = 0;

	(void)state;
	scene_plain(&s);
	while (!store_request_take(s.store, &tenant))
		taken++;
	assert_int_equal(taken, 100);
	assert_in_range(store_request_take(s.store, &tenant), 1, 100);
	scene_pass(&s, 100);
	assert_int_equal(store_request_take(s.store, &tenant), 0);
	assert_in_range(store_request_take(s.store, &tenant), 1, 100);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(store_request_take(s.store, &free_one), 0);
	scene_end(&s);
}

static void alter(struct scene *s, const char *sql)
{
	sqlite3 *const db = ledger_open(s->dir);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_row_of_the_chain_that_was_changed_shows(void **state)
{
	static const char *const changes[] = {
		"UPDATE audit SET actor = 'nobody' WHERE seq = 3", "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 3",
		"UPDATE audit SET detail = x'00' WHERE seq = 3", "DELETE FROM audit WHERE seq = 3",
		"UPDATE audit SET before = zeroblob(32) WHERE seq = 3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		static struct scene s;
		struct store_audit entry = { .actor = "wk", .action = "tenant.put", .subject = "t", .detail = { "{}", 2 } };
		uint64_t broken = 0;
		struct err e;

		scene_plain(&s);
		entry.tenant = s.tenant;
		for (uint64_t k = 1; k <= 5; k++) {
			store_audit_append(s.store, &entry, scene_answer, &s);
			assert_int_equal(scene_turn(&s), STORE_DONE);
			assert_int_equal(s.items[0].number, k);
		}
		assert_int_equal(store_audit_check(s.store, s.tenant, &broken, &e), 1);
		alter(&s, changes[i]);
		assert_int_equal(store_audit_check(s.store, s.tenant, &broken, &e), 0);
		assert_in_range(broken, 3, 4);
		scene_end(&s);
	}
}

static uint64_t lost(struct scene *s)
{
	struct store_ledger book = { 0 };
	struct err e;

	assert_int_equal(store_ledger_get(s->store, &book, &e), 0);
	return book.accepted - book.ended - book.live;
}

static void a_job_that_vanishes_is_missing_from_the_ledger(void **state)
{
	static struct scene s;
	struct store_hold hold;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	assert_int_equal(lost(&s), 0);
	for (int i = 0; i < 3; i++)
		scene_create(&s, "{}");
	hold = scene_lease(&s);
	assert_int_equal(lost(&s), 0);
	assert_int_equal(scene_finish(&s, &hold, JOB_FAILED), STORE_DONE);
	store_job_purge(s.store, s.tenant, &hold.id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	scene_reopen(&s);
	assert_int_equal(lost(&s), 0);
	alter(&s, "DELETE FROM jobs WHERE job_id = (SELECT max(job_id) FROM jobs)");
	assert_int_equal(lost(&s), 1);
	alter(&s, "UPDATE jobs SET state = 6");
	assert_int_equal(lost(&s), 2);
	store_close(s.store);
	scene_remove(s.dir);
}

static void the_age_of_what_waits_longest_is_a_tenants_own(void **state)
{
	static struct scene s;
	struct store_create job;
	uint64_t other;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	scene_create(&s, "{}");
	scene_pass(&s, 5000);
	job = scene_job(&s, "{}");
	job.tenant = other;
	scene_create_as(&s, &job);
	scene_pass(&s, 1000);
	assert_int_equal(store_queue_oldest_ms(s.store, 0), 6000);
	assert_int_equal(store_queue_oldest_ms(s.store, s.tenant), 6000);
	assert_int_equal(store_queue_oldest_ms(s.store, other), 1000);
	assert_int_equal(store_queue_oldest_ms(s.store, 4711), 0);
	scene_end(&s);
}

static void a_backup_is_a_store(void **state)
{
	static struct scene s;
	struct store_options options;
	struct store *copy = NULL;
	struct store_usage usage;
	char path[128], dir[64], to[128];
	struct err e = ERR_INIT;

	(void)state;
	scene_plain(&s);
	scene_create(&s, "{}");
	snprintf(path, sizeof(path), "%s/copy.db", s.dir);
	if (store_backup(s.store, path, &e) < 0)
		fail_msg("%s", e.text);
	ledger_place(dir);
	snprintf(to, sizeof(to), "%s/store.db", dir);
	assert_int_equal(rename(path, to), 0);
	options = s.options;
	options.dir = dir;
	assert_int_equal(store_open(&options, &copy, &e), 0);
	assert_int_equal(store_usage_get(copy, s.tenant, &usage, &e), 1);
	assert_int_equal(usage.queued, 1);
	store_close(copy);
	scene_remove(dir);
	scene_end(&s);
}

/* A tenant whose ten rows are a second apart, and are kept for five. */
static uint64_t ten_rows(struct scene *s, struct store_audit entry)
{
	entry.tenant = scene_tenant(s, (struct store_tenant){ .name = "kept", .audit_keep_ms = 5000 });
	for (int i = 0; i < 10; i++) {
		store_audit_append(s->store, &entry, scene_answer, s);
		assert_int_equal(scene_turn(s), STORE_DONE);
		scene_pass(s, 1000);
	}
	return entry.tenant;
}

/* Rows that are old go; what is left is a chain still, and one that was cut is not. */
static void a_chain_that_lost_its_oldest_rows_begins_at_a_checkpoint(void **state)
{
	static struct scene s;
	struct store_audit entry = { .actor = "a", .action = "b", .subject = "c", .detail = { "", 0 } };
	struct store_checkpoint from = { .seq = 0 };
	uint64_t broken = 0;
	struct err e = ERR_INIT;
	sqlite3 *db;

	(void)state;
	scene_plain(&s);
	entry.tenant = ten_rows(&s, entry);
	store_reap(s.store, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(s.items[0].number, 5);
	assert_int_equal(store_checkpoint_get(s.store, entry.tenant, &from, &e), 1);
	assert_int_equal(from.seq, 5);
	assert_int_equal(store_audit_check(s.store, entry.tenant, &broken, &e), 1);
	assert_int_equal(store_checkpoint_get(s.store, s.tenant, &from, &e), 0);
	/* However old: the next row has one to refer to. */
	scene_pass(&s, 1000000);
	store_reap(s.store, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(s.items[0].number, 4);
	store_audit_append(s.store, &entry, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(s.items[0].number, 11);
	assert_int_equal(store_audit_check(s.store, entry.tenant, &broken, &e), 1);
	db = ledger_open(s.dir);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM audit WHERE seq = 10", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_audit_check(s.store, entry.tenant, &broken, &e), 0);
	assert_int_equal(broken, 11);
	scene_end(&s);
}

/* Rows that go while somebody looks at them piece by piece are no fault of the chain's. */
static void a_chain_is_looked_at_in_pieces(void **state)
{
	static struct scene s;
	struct store_audit entry = { .actor = "a", .action = "b", .subject = "c", .detail = { "", 0 } };
	struct store_audit_walk walk = { .seq = 0 };
	uint64_t broken = 0;
	struct err e = ERR_INIT;

	(void)state;
	scene_plain(&s);
	entry.tenant = ten_rows(&s, entry);
	assert_int_equal(store_audit_walk(s.store, entry.tenant, 2, &walk, &broken, &e), STORE_MORE);
	assert_int_equal(walk.seq, 2);
	store_reap(s.store, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(store_audit_walk(s.store, entry.tenant, 2, &walk, &broken, &e), STORE_MORE);
	assert_int_equal(walk.seq, 7);
	assert_int_equal(store_audit_walk(s.store, entry.tenant, 10, &walk, &broken, &e), STORE_MORE);
	assert_int_equal(walk.seq, 10);
	assert_int_equal(store_audit_walk(s.store, entry.tenant, 10, &walk, &broken, &e), 1);
	/* From where it came to: what is new is looked at, and a row that is not the next one of those is found. */
	store_audit_append(s.store, &entry, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	walk.digest.bytes[0] ^= 1;
	assert_int_equal(store_audit_walk(s.store, entry.tenant, 10, &walk, &broken, &e), 0);
	assert_int_equal(broken, 11);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_looked_at_in_pieces),
		cmocka_unit_test(a_chain_that_lost_its_oldest_rows_begins_at_a_checkpoint),
		cmocka_unit_test(a_key_opens_its_tenant_and_no_near_miss_does),
		cmocka_unit_test(a_key_that_is_revoked_or_expired_opens_nothing),
		cmocka_unit_test(no_secret_is_in_the_state_directory),
		cmocka_unit_test(tenants_have_names_of_their_own),
		cmocka_unit_test(requests_come_out_of_a_bucket),
		cmocka_unit_test(a_row_of_the_chain_that_was_changed_shows),
		cmocka_unit_test(a_job_that_vanishes_is_missing_from_the_ledger),
		cmocka_unit_test(the_age_of_what_waits_longest_is_a_tenants_own),
		cmocka_unit_test(a_backup_is_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
