/* serve/spool: what was kept is what came, in memory and behind it; a job that is given back leaves nothing. */
#include "serve/spool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

struct scene {
	char dir[64], path[PLACE_MAX];
	int state_fd;
	struct store_id id;
	struct spool spool;
};

static int begin(void **state)
{
	struct scene *const s = calloc(1, sizeof(*s));
	char dir[PLACE_MAX];

	snprintf(s->dir, sizeof(s->dir), "/tmp/ward-spool-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->state_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->id = store_id_new();
	s->spool = SPOOL_NONE;
	s->spool.place = PLACE_STDOUT;
	place_name(PLACE_STDOUT, &s->id, s->path);
	assert_int_equal(mkdirat(s->state_fd, "log", 0700), 0);
	snprintf(dir, sizeof(dir), "%.6s", s->path);
	assert_int_equal(mkdirat(s->state_fd, dir, 0700), 0);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct scene *const s = *state;
	char dir[PLACE_MAX];

	spool_done(&s->spool);
	unlinkat(s->state_fd, s->path, 0);
	snprintf(dir, sizeof(dir), "%.6s", s->path);
	unlinkat(s->state_fd, dir, AT_REMOVEDIR);
	unlinkat(s->state_fd, "log", AT_REMOVEDIR);
	close(s->state_fd);
	rmdir(s->dir);
	free(s);
	return 0;
}

static void add(struct scene *s, const char *bytes, size_t n)
{
	struct err e = ERR_INIT;

	if (spool_add(&s->spool, s->state_fd, &s->id, bytes, n, &e) < 0)
		fail_msg("%s", e.text);
}

static bool has_file(const struct scene *s)
{
	return faccessat(s->state_fd, s->path, F_OK, 0) == 0;
}

static void what_is_little_makes_no_file(void **state)
{
	struct scene *const s = *state;
	char bytes[16], most[SPOOL_SMALL - 5];

	assert_int_equal(spool_small(&s->spool).len, 0);
	assert_non_null(spool_small(&s->spool).at); /* nothing, and not: elsewhere */
	add(s, "hello", 5);
	assert_int_equal(spool_read(&s->spool, 1, bytes, 3), 3);
	assert_memory_equal(bytes, "ell", 3);
	assert_int_equal(spool_read(&s->spool, 5, bytes, sizeof(bytes)), 0);
	assert_int_equal(spool_read(&s->spool, 99, bytes, sizeof(bytes)), 0);
	memset(most, 'x', sizeof(most));
	add(s, most, sizeof(most));
	assert_int_equal(spool_small(&s->spool).len, SPOOL_SMALL);
	assert_memory_equal(spool_small(&s->spool).at, "helloxxx", 8);
	assert_false(has_file(s));
}

static void a_byte_more_and_all_of_it_is_in_the_file(void **state)
{
	struct scene *const s = *state;
	char most[SPOOL_SMALL], bytes[SPOOL_SMALL + 8];
	int fd;

	memset(most, 'x', sizeof(most));
	add(s, "ab", 2);
	add(s, most, sizeof(most));
	add(s, "z", 1);
	assert_true(has_file(s));
	assert_int_equal(spool_read(&s->spool, 0, bytes, 1), -1);
	assert_null(spool_small(&s->spool).at);
	fd_close_at(&s->spool.fd);
	assert_null(spool_small(&s->spool).at); /* also behind its closing: a result is told again */
	assert_int_equal(s->spool.kept, SPOOL_SMALL + 3);
	fd = openat(s->state_fd, s->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), SPOOL_SMALL + 3);
	assert_memory_equal(bytes, "abxx", 4);
	assert_int_equal(bytes[SPOOL_SMALL + 2], 'z');
	close(fd);
}

static void a_file_that_cannot_be_made_leaves_what_was_there(void **state)
{
	struct scene *const s = *state;
	char most[SPOOL_SMALL];
	struct err e = ERR_INIT;

	memset(most, 'x', sizeof(most));
	add(s, "ab", 2);
	assert_int_equal(spool_add(&s->spool, -1, &s->id, most, sizeof(most), &e), -1);
	assert_non_null(strstr(e.text, "make a file"));
	assert_int_equal(s->spool.kept, 2);
	assert_memory_equal(spool_small(&s->spool).at, "ab", 2);
}

/* The first bytes were moved to the file, the next ones had no room there: what is kept is little, and not in memory. */
static void a_disk_that_fills_as_the_file_is_made_keeps_what_there_is(void **state)
{
	struct scene *const s = *state;
	struct rlimit before, little = { .rlim_cur = 4 };
	char most[SPOOL_SMALL], bytes[4];
	struct err e = ERR_INIT;
	struct stat st;
	int fd;

	memset(most, 'x', sizeof(most));
	add(s, "abc", 3);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(spool_add(&s->spool, s->state_fd, &s->id, most, sizeof(most), &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(s->spool.kept, 3);
	assert_null(spool_small(&s->spool).at);
	assert_int_equal(spool_read(&s->spool, 0, bytes, sizeof(bytes)), -1);
	assert_true(has_file(s));
	assert_int_equal(fstatat(s->state_fd, s->path, &st, 0), 0);
	assert_int_equal(st.st_size, 3);
	/* There is room again: the next bytes lie behind those that were kept. */
	add(s, "d", 1);
	fd = openat(s->state_fd, s->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, most, sizeof(most)), 4);
	assert_memory_equal(most, "abcd", 4);
	close(fd);
}

static void what_is_given_back_leaves_nothing(void **state)
{
	struct scene *const s = *state;
	char most[SPOOL_SMALL + 1] = { 0 };

	add(s, most, sizeof(most));
	assert_true(has_file(s));
	spool_forget(&s->spool, s->state_fd, &s->id);
	assert_false(has_file(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_little_makes_no_file, begin, end),
		cmocka_unit_test_setup_teardown(a_byte_more_and_all_of_it_is_in_the_file, begin, end),
		cmocka_unit_test_setup_teardown(a_file_that_cannot_be_made_leaves_what_was_there, begin, end),
		cmocka_unit_test_setup_teardown(a_disk_that_fills_as_the_file_is_made_keeps_what_there_is, begin, end),
		cmocka_unit_test_setup_teardown(what_is_given_back_leaves_nothing, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
