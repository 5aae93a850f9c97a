/* store/snapshot: a copy of a database in use is one moment of it, names its files, and is refused when damaged. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshot.h"

#include "scene.h"

struct paths {
	char live[128], copy[128], journal[160];
};

static struct paths paths_of(const struct scene *s)
{
	struct paths p;

	snprintf(p.live, sizeof(p.live), "%s/store.db", s->dir);
	snprintf(p.copy, sizeof(p.copy), "%s/copy.db", s->dir);
	snprintf(p.journal, sizeof(p.journal), "%s-wal", p.copy);
	return p;
}

static size_t count_files(struct snapshot *snapshot, enum store_trash_kind kind)
{
	struct snapshot_file file;
	struct err e;
	size_t n = 0;
	int more;

	while ((more = snapshot_next(snapshot, &file, &e)) == 1)
		n += file.kind == kind;
	assert_int_equal(more, 0);
	assert_int_equal(snapshot_next(snapshot, &file, &e), 0);
	return n;
}

static void a_copy_is_one_moment_in_one_file(void **state)
{
	static struct scene s;
	struct snapshot *snapshot;
	struct store_blob blob = { sha256_of("x", 1), store_id_new(), 1, 0 };
	struct snapshot_file file = { .kind = STORE_TRASH_BLOB, .file = blob.file };
	struct paths p;
	struct stat st;
	struct err e;
	uint64_t jobs;

	(void)state;
	scene_plain(&s);
	p = paths_of(&s);
	store_blob_put(s.store, s.tenant, &blob, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	scene_create(&s, "{}");
	assert_int_equal(snapshot_take(p.live, p.copy, &e), 0);
	scene_create(&s, "{}");
	assert_int_equal(stat(p.journal, &st), -1);
	assert_int_equal(snapshot_open(p.copy, true, &snapshot, &e), 0);
	assert_int_equal(snapshot_count(snapshot, &jobs, &e), 0);
	assert_int_equal(jobs, 1);
	assert_int_equal(snapshot_names(snapshot, &file, &e), 1);
	file.kind = STORE_TRASH_LOG;
	assert_int_equal(snapshot_names(snapshot, &file, &e), 0);
	assert_int_equal(count_files(snapshot, STORE_TRASH_LOG), 1);
	snapshot_close(snapshot);
	assert_int_equal(snapshot_open(p.copy, false, &snapshot, &e), 0);
	assert_int_equal(count_files(snapshot, STORE_TRASH_BLOB), 1);
	snapshot_close(snapshot);
	unlink(p.copy);
	scene_end(&s);
}

static void damage_is_found(void **state)
{
	static struct scene s;
	struct snapshot *snapshot;
	struct paths p;
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	scene_plain(&s);
	p = paths_of(&s);
	for (int i = 0; i < 50; i++)
		scene_create(&s, "{}");
	assert_int_equal(snapshot_take(p.live, p.copy, &e), 0);
	fd = open(p.copy, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 8192; at + 64 < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, "damaged damaged damaged damaged ", 32, at), 32);
	close(fd);
	assert_int_equal(snapshot_open(p.copy, true, &snapshot, &e), -1);
	assert_non_null(strstr(e.text, "damaged"));
	unlink(p.copy);
	scene_end(&s);
}

static void what_is_no_store_is_refused(void **state)
{
	static struct scene s;
	struct paths p;
	struct err e;
	int fd;

	(void)state;
	scene_plain(&s);
	p = paths_of(&s);
	fd = open(p.copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "no database at all, but long enough to look at as if it were one. no database at all, but long enough to look",
			       100), 100);
	close(fd);
	assert_int_equal(snapshot_take(p.copy, p.journal, &e), -1);
	unlink(p.copy);
	unlink(p.journal);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_one_moment_in_one_file),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(what_is_no_store_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
