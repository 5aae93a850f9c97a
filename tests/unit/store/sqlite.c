/* store/sqlite: a disk that is full or fails, at every write and every sync in turn; a database that is locked, damaged,
 * not ours, or newer than we are. Nothing is half done, every error says what to do, and the store goes on afterwards. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "scene.h"
#include "store/writer.h"

/* What is called here by pointers is SQLite's library, which was not built with control-flow integrity. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("cfi"))), apply_to = function)
#endif

/* The system's files, but for the n-th write or sync from now on. */
static struct {
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods;
	long writes, syncs;     /* until one fails; 0: never */
	bool goes_on;           /* failing, once it has begun */
	bool was_hit;
} disk;

struct file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct file *)file)->real;
}

static bool strikes(long *left)
{
	const bool now = *left > 0 && --*left == 0;

	if (now) {
		disk.was_hit = true;
		*left = disk.goes_on ? 1 : 0;
	}
	return now;
}

static int file_close(sqlite3_file *file)
{
	sqlite3_file *const real = real_of(file);

	return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	return real_of(file)->pMethods->xRead(real_of(file), out, n, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	return strikes(&disk.writes) ? SQLITE_FULL : real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	return strikes(&disk.syncs) ? SQLITE_IOERR_FSYNC : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
	return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int what, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), what, arg);
}

static int file_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct file *const own = (struct file *)file;

	(void)vfs;
	own->real = (sqlite3_file *)(own + 1);
	own->base.pMethods = &disk.methods;
	return disk.real->xOpen(disk.real, name, own->real, flags, out);
}

static void put_disk_between(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "faulty";
	disk.vfs.szOsFile += (int)sizeof(struct file);
	disk.vfs.xOpen = disk_open;
	disk.methods = (sqlite3_io_methods){
		2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
		file_check, file_control, file_sector, file_traits, file_shm_map, file_shm_lock, file_shm_barrier,
		file_shm_unmap, NULL, NULL,
	};
	sqlite3_vfs_register(&disk.vfs, 1);
}

static void mend(void)
{
	disk.writes = disk.syncs = 0;
	disk.goes_on = disk.was_hit = false;
}

/* What was acknowledged, and what was refused. */
struct tally {
	struct store_id created[16], finished[16];
	size_t n_created, n_finished;
	int refused;
};

static enum store_outcome note(struct scene *s, struct tally *tally, enum store_outcome outcome)
{
	if (outcome != STORE_OUTCOMES)
		return outcome;
	tally->refused++;
	assert_true(s->err.sys == ENOSPC || s->err.sys == EIO);
	assert_true(strlen(s->err.text) > 20);
	return outcome;
}

static void work(struct scene *s, struct tally *tally)
{
	struct store_create job = scene_job(s, "{}");
	struct store_hold hold;
	char key[16];

	for (int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "%d-%zu", i, tally->n_created);
		job.key = key;
		store_job_create(s->store, &job, scene_answer, s);
		if (note(s, tally, scene_turn(s)) == STORE_DONE)
			tally->created[tally->n_created++] = s->items[0].id;
		if (!scene_claim(s, 1)) {
			note(s, tally, s->err.kind ? STORE_OUTCOMES : STORE_DONE);
			continue;
		}
		hold = s->leases[0].hold;
		note(s, tally, scene_move(s, &hold, JOB_RUNNING));
		if (note(s, tally, scene_finish(s, &hold, JOB_SUCCEEDED)) == STORE_DONE)
			tally->finished[tally->n_finished++] = hold.id;
	}
}

static void check(struct scene *s, const struct tally *tally)
{
	struct store_usage usage;
	struct err e;

	for (size_t i = 0; i < tally->n_created; i++)
		assert_int_equal(scene_get(s, &tally->created[i]).tenant, s->tenant);
	for (size_t i = 0; i < tally->n_finished; i++)
		assert_int_equal(scene_get(s, &tally->finished[i]).state, JOB_SUCCEEDED);
	assert_int_equal(store_usage_get(s->store, s->tenant, &usage, &e), 1);
	assert_int_equal(usage.created, tally->n_created);
	assert_int_equal(usage.ended[JOB_SUCCEEDED], tally->n_finished);
	ledger_check(s->dir);
}

/* Fails the n-th of them for every n, once or from then on; then the disk is well again, and the same store goes on. */
static void fail_each(long *left, bool goes_on)
{
	bool was_hit = true;

	for (long n = 1; was_hit && n < 200; n++) {
		static struct scene s;
		struct tally tally = { .n_created = 0 };
		scene_begin(&s, (struct store_options){ .lease_ms = 1000 });
		disk.goes_on = goes_on;
		disk.was_hit = false;
		*left = n;
		work(&s, &tally);
		was_hit = disk.was_hit;
		if (was_hit)
			assert_true(tally.refused > 0);
		mend();
		check(&s, &tally);
		scene_pass(&s, 1000);
		while (scene_reap(&s)) /* what was held when it failed */
			;
		tally.refused = 0;
		work(&s, &tally);
		assert_int_equal(tally.refused, 0);
		check(&s, &tally);
		scene_reopen(&s);
		check(&s, &tally);
		scene_end(&s);
	}
	assert_false(was_hit); /* there was an n beyond the last one */
}

static void a_write_that_finds_no_room_undoes_its_operation(void **state)
{
	(void)state;
	fail_each(&disk.writes, false);
}

static void a_disk_that_stays_full_refuses_and_recovers(void **state)
{
	(void)state;
	fail_each(&disk.writes, true);
}

static void a_sync_that_fails_acknowledges_nothing(void **state)
{
	(void)state;
	fail_each(&disk.syncs, false);
	fail_each(&disk.syncs, true);
}

/* It was begun before the sync that was to keep it: nobody was told of it, and whoever has it is told that nobody has. */
static void a_job_that_began_before_a_sync_that_failed_is_nobodys(void **state)
{
	const struct store_room room = { "python/container", 1 };
	static struct scene s, holder;
	struct store_hold hold;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	store_job_claim(s.store, &room, 1, 1, true, scene_answer, &holder);
	store_turn(s.store);
	disk.syncs = 1;
	store_job_create(s.store, &job, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_OUTCOMES);
	assert_int_equal(s.err.sys, EIO);
	assert_true(disk.was_hit);
	mend();
	assert_int_equal(holder.n_answers, 1);
	assert_int_equal(holder.n_leases, 1);
	hold = holder.leases[0].hold;
	assert_int_equal(scene_finish(&s, &hold, JOB_SUCCEEDED), STORE_FENCED);
	scene_create(&s, "{}");
	assert_int_equal(scene_claim(&s, 4), 1);
	scene_reopen(&s);
	scene_end(&s);
}

static uint64_t size_of(const struct scene *s, const char *name)
{
	struct stat found;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	assert_int_equal(stat(path, &found), 0);
	return (uint64_t)found.st_size;
}

/* What was laid out is no part of the log, before as after a crash; copied, the log begins anew, and its file stays. */
static void a_log_that_was_laid_out_is_overwritten(void **state)
{
	struct err e = ERR_INIT;
	static struct scene s;
	char copy[64], command[256];
	uint64_t size;
	size_t pages;

	(void)state;
	scene_plain(&s);
	db_lay_out_log(s.store->writer.db, 500);
	size = size_of(&s, "store.db-wal");
	assert_true(size >= (uint64_t)500 * 4096);
	for (int i = 0; i < 10; i++)
		scene_create(&s, "{}");
	pages = db_log_pages(s.store->writer.db);
	assert_true(pages > 10);
	ledger_place(copy); /* as the disk has it now */
	snprintf(command, sizeof(command), "cp %s/store.db %s/store.db-wal %s", s.dir, s.dir, copy);
	assert_int_equal(system(command), 0);
	ledger_check(copy);
	scene_remove(copy);
	assert_int_equal(db_copy_log(s.store->writer.db, &e), 0);
	scene_create(&s, "{}");
	assert_true(db_log_pages(s.store->writer.db) < pages);
	assert_int_equal(size_of(&s, "store.db-wal"), size);
	assert_int_equal(scene_claim(&s, 20), 11);
	scene_reopen(&s);
	scene_end(&s);
}

static void another_process_with_the_lock_is_named(void **state)
{
	static struct scene s;
	struct store_create job;
	char path[128], byte;
	int ready[2], go[2], status;
	pid_t pid;

	(void)state;
	scene_plain(&s);
	snprintf(path, sizeof(path), "%s/store.db", s.dir);
	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db;

		close(go[1]);
		if (sqlite3_open(path, &db) || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(go[0], &byte, 1) < 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	job = scene_job(&s, "{}");
	store_job_create(s.store, &job, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_OUTCOMES);
	assert_int_equal(s.err.sys, EBUSY);
	assert_non_null(strstr(s.err.text, "another process has locked the database"));
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	scene_create(&s, "{}");
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		if (i == 0)
			close(go[0]);
	}
	scene_end(&s);
}

static void overwrite(const char *dir, const char *bytes, long at, size_t n)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/store.db", dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void a_damaged_database_is_said_to_be_damaged(void **state)
{
	static char junk[8192];
	static struct scene s;
	struct store *store = NULL;
	struct store_create job;
	struct err e = ERR_INIT;

	(void)state;
	memset(junk, 0x5a, sizeof(junk));
	scene_plain(&s);
	for (int i = 0; i < 200; i++)
		scene_create(&s, "{}");
	store_close(s.store);
	overwrite(s.dir, junk, 4096 * 20, sizeof(junk));
	if (store_open(&s.options, &store, &e) == 0) { /* the pages are met when somebody works */
		s.store = store;
		job = scene_job(&s, "{}");
		for (int i = 0; i < 200 && e.kind == ERR_NONE; i++) {
			store_job_create(s.store, &job, scene_answer, &s);
			scene_turn(&s);
			e = s.err;
		}
		store_close(s.store);
	}
	assert_int_equal(e.sys, EUCLEAN);
	assert_non_null(strstr(e.text, "restore a backup"));
	overwrite(s.dir, junk, 0, 100);
	assert_int_equal(store_open(&s.options, &store, &e), -1);
	assert_int_equal(e.sys, EUCLEAN);
	scene_remove(s.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_finds_no_room_undoes_its_operation),
		cmocka_unit_test(a_disk_that_stays_full_refuses_and_recovers),
		cmocka_unit_test(a_sync_that_fails_acknowledges_nothing),
		cmocka_unit_test(a_job_that_began_before_a_sync_that_failed_is_nobodys),
		cmocka_unit_test(a_log_that_was_laid_out_is_overwritten),
		cmocka_unit_test(another_process_with_the_lock_is_named),
		cmocka_unit_test(a_damaged_database_is_said_to_be_damaged),
	};

	put_disk_between();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#ifdef __clang__
#pragma clang attribute pop
#endif
