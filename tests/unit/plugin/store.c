/* plugin/store: namespaces apart, transactions whole, files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plugin/store.h"

static const struct journal_bounds bounds = { .keys = 3, .bytes = 64, .value = 32, .log = 0 };
static const struct digest one = { { 1 } }, two = { { 2 } };

static char folder[] = "/tmp/ward-store-XXXXXX", path[64];

static int set_up(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/s.db", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
	char name[80];

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		snprintf(name, sizeof(name), "%s%s", path, endings[i]);
		unlink(name);
	}
	return rmdir(folder);
}

static struct store *open_store(const char *space, const struct digest *module)
{
	struct store *store;
	struct err e = ERR_INIT;

	if (store_open(path, space, module, false, 100, &store, &e) < 0)
		fail_msg("%s", e.text);
	return store;
}

static int put(struct store *store, const char *key, const char *value, uint64_t *version, struct err *e)
{
	uint8_t journal[512];
	size_t len = 0;

	assert_true(journal_put(journal, sizeof(journal), &len, &(struct journal_record){
		JOURNAL_PUT, 0, (const uint8_t *)key, (const uint8_t *)value, (uint32_t)strlen(key), (uint32_t)strlen(value) }));
	return store_apply(store, journal, len, &bounds, version, e);
}

/* "key=value;..." */
static void expect(struct store *store, const char *wanted, uint64_t *version)
{
	OWN_MEM uint8_t *bytes = NULL;
	struct journal_record record;
	size_t len, at = 0, n = 0;
	char text[256] = "";
	struct err e = ERR_INIT;

	if (store_snapshot(store, 1 << 20, &bytes, &len, version, &e) < 0)
		fail_msg("%s", e.text);
	while (journal_next(bytes, len, &at, &record) > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s=%.*s;", (int)record.key_len, (const char *)record.key,
				      (int)record.value_len, (const char *)record.value);
	assert_string_equal(text, wanted);
}

static void what_is_put_is_there_when_the_file_is_opened_again(void **state)
{
	struct store *store = open_store("a", &one);
	uint64_t version;
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	expect(store, "", &version);
	assert_int_equal(put(store, "k", "v", &version, &e), 0);
	assert_int_equal(put(store, "l", "w", &version, &e), 0);
	assert_int_equal(put(store, "k", "", &version, &e), 0);
	store_close(store);
	store = open_store("a", &one);
	expect(store, "l=w;", &version);
	store_close(store);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_namespace_sees_nothing_of_another(void **state)
{
	struct store *const a = open_store("a", &one), *const b = open_store("b", &two);
	uint64_t version_a, version_b;
	struct err e = ERR_INIT;

	(void)state;
	expect(a, "", &version_a);
	expect(b, "", &version_b);
	assert_int_equal(put(a, "k", "of a", &version_a, &e), 0);
	assert_int_equal(put(b, "k", "of b", &version_b, &e), 0);
	assert_int_equal(put(b, "k2", "x", &version_b, &e), 0);
	expect(a, "k=of a;", &version_a);
	expect(b, "k=of b;k2=x;", &version_b);
	store_close(a);
	store_close(b);
}

static void another_module_does_not_get_a_namespace(void **state)
{
	struct store *store = open_store("a", &one);
	struct err e = ERR_INIT;

	(void)state;
	store_close(store);
	assert_int_equal(store_open(path, "a", &two, false, 100, &store, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "belongs to the module with sha256 0100"));
	assert_int_equal(store_open(path, "a", &two, true, 100, &store, &e), 0);
	store_close(store);
	assert_int_equal(store_open(path, "a", &one, false, 100, &store, &e), -1);
}

static void a_change_by_somebody_else_is_a_conflict(void **state)
{
	struct store *const first = open_store("a", &one), *const second = open_store("a", &one);
	uint64_t seen_first, seen_second, version;
	struct err e = ERR_INIT;

	(void)state;
	expect(first, "", &seen_first);
	expect(second, "", &seen_second);
	assert_int_equal(put(first, "k", "1", &seen_first, &e), 0);
	assert_int_equal(put(second, "k", "2", &seen_second, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	expect(second, "k=1;", &version);
	assert_int_equal(put(second, "k", "2", &version, &e), 0);
	store_close(first);
	store_close(second);
}

static void a_quota_holds_whatever_the_worker_says(void **state)
{
	static const char *const keys[] = { "a", "b", "c", "d" };
	struct store *const store = open_store("a", &one);
	uint64_t version;
	struct err e = ERR_INIT;

	(void)state;
	expect(store, "", &version);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(put(store, keys[i], "0123456789", &version, &e), 0);
	assert_int_equal(put(store, "d", "0", &version, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(put(store, "a", "012345678901234567890123456789", &version, &e), 0);
	assert_int_equal(put(store, "b", "012345678901234567890123456789", &version, &e), -1);
	assert_non_null(strstr(e.text, "quota.bytes 64"));
	expect(store, "a=012345678901234567890123456789;b=0123456789;c=0123456789;", &version);
	store_close(store);
}

static void a_locked_file_is_a_conflict_and_not_a_wait(void **state)
{
	struct store *const store = open_store("a", &one);
	struct store *other;
	struct err e = ERR_INIT;
	uint64_t version;

	(void)state;
	expect(store, "", &version);
	/* A lock like SQLite's own, of another process: WAL_WRITE_LOCK, https://www.sqlite.org/walformat.html */
	char index[80];
	snprintf(index, sizeof(index), "%s-shm", path);
	const int fd = open(index, O_RDWR | O_CLOEXEC);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1 };
	const pid_t pid = fork();
	if (!pid)
		_exit(fcntl(fd, F_SETLK, &lock) < 0 ? 1 : pause());
	for (int tries = 0; tries < 1000 && (lock.l_type = F_WRLCK, fcntl(fd, F_GETLK, &lock), lock.l_type == F_UNLCK); tries++)
		usleep(10000);
	assert_int_equal(put(store, "k", "v", &version, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.text, "another process has held it"));
	assert_int_equal(store_open(path, "b", &one, false, 1, &other, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fd);
	store_close(store);
}

static void what_is_no_store_is_left_alone(void **state)
{
	struct store *store;
	struct err e = ERR_INIT;
	char before[64] = "not a database, and longer than nothing at all.................", after[64] = "";
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, before, sizeof(before)), sizeof(before));
	assert_int_equal(store_open(path, "a", &one, false, 1, &store, &e), -1);
	assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	close(fd);
	assert_int_equal(store_open("/dev/null", "a", &one, false, 1, &store, &e), -1);
	assert_non_null(strstr(e.text, "is no file"));
	assert_int_equal(store_open("/nonexistent/s.db", "a", &one, false, 1, &store, &e), -1);
	unlink(path);
	assert_int_equal(symlink("/tmp/elsewhere", path), 0);
	assert_int_equal(store_open(path, "a", &one, false, 1, &store, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_is_there_when_the_file_is_opened_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_namespace_sees_nothing_of_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_module_does_not_get_a_namespace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_by_somebody_else_is_a_conflict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_quota_holds_whatever_the_worker_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_locked_file_is_a_conflict_and_not_a_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_store_is_left_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
