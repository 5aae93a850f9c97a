/* serve/syncer: every file is told of once, in order, with what kept it from the disk. */
#include "serve/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static int make_file(void)
{
	char name[] = "/tmp/ward-syncer-XXXXXX";
	const int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, "x", 1), 1);
	return fd;
}

static void wait_for(struct syncer *syncer, struct store_hold *whose, int *fault)
{
	while (!syncer_next(syncer, whose, fault)) {
		struct pollfd ready = { syncer_fd(syncer), POLLIN, 0 };

		assert_int_equal(poll(&ready, 1, 20000), 1);
	}
}

static void files_are_told_of_in_the_order_they_came(void **state)
{
	struct syncer *syncer;
	struct store_hold whose;
	struct err e = ERR_INIT;
	int fault = -1, fd[3];

	(void)state;
	assert_int_equal(syncer_new(&syncer, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		fd[i] = make_file();
		assert_true(syncer_add(syncer, fd[i], &(struct store_hold){ .fence = i + 1 }));
	}
	for (size_t i = 0; i < 3; i++) {
		wait_for(syncer, &whose, &fault);
		assert_int_equal(whose.fence, i + 1);
		assert_int_equal(fault, 0);
		errno = 0;
		assert_int_equal(fcntl(fd[i], F_GETFD), -1); /* closed */
		assert_int_equal(errno, EBADF);
	}
	assert_false(syncer_next(syncer, &whose, &fault));
	syncer_free(syncer);
}

/* A pipe has nothing that could be synced. */
static void what_kept_it_from_the_disk_is_told(void **state)
{
	struct syncer *syncer;
	struct store_hold whose;
	struct err e = ERR_INIT;
	int fault = 0, ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(syncer_new(&syncer, &e), 0);
	assert_true(syncer_add(syncer, ends[1], &(struct store_hold){ .fence = 7 }));
	wait_for(syncer, &whose, &fault);
	assert_int_equal(whose.fence, 7);
	assert_int_equal(fault, EINVAL);
	syncer_free(syncer);
	close(ends[0]);
}

static void a_full_one_leaves_the_file_to_its_caller(void **state)
{
	struct syncer *syncer;
	struct store_hold whose = { .fence = 1 };
	struct err e = ERR_INIT;
	int fault;
	const int fd = make_file();

	(void)state;
	assert_int_equal(syncer_new(&syncer, &e), 0);
	for (size_t i = 0; i < SYNCER_MOST; i++)
		assert_true(syncer_add(syncer, dup(fd), &whose));
	assert_false(syncer_add(syncer, fd, &whose));
	wait_for(syncer, &whose, &fault);
	assert_true(syncer_add(syncer, fd, &whose));
	syncer_free(syncer); /* with most of them on their way */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_told_of_in_the_order_they_came),
		cmocka_unit_test(what_kept_it_from_the_disk_is_told),
		cmocka_unit_test(a_full_one_leaves_the_file_to_its_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
