/* serve/honey: a decoy that is opened or read is counted, one that is looked at is not, and none keeps its name. */
#include "serve/honey.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void a_decoy_is_seen_when_it_is_opened(void **state)
{
	char dir[] = "/tmp/ward-honey-XXXXXX", link[64], bytes[16];
	uint64_t opened[HONEY_FILES] = { 0 };
	struct err e = ERR_INIT;
	struct honey honey;
	struct stat st;
	int dir_fd, fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (honey_make(dir_fd, &honey, &e) < 0)
		fail_msg("%s", e.text);
	honey_hide(&honey);
	honey_hide(&honey);
	assert_int_equal(fstat(honey.fds[0], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_equal(st.st_nlink, 0);
	honey_look(honey.eye_fd, opened);
	assert_int_equal(opened[0] + opened[1], 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", honey.fds[0]);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, bytes, sizeof(bytes)) > 0);
	close(fd);
	honey_look(honey.eye_fd, opened);
	assert_true(opened[0] >= 1);
	assert_int_equal(opened[1], 0);
	honey_done(&honey);
	close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
}

static void paths_are_absolute_and_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < HONEY_FILES; i++)
		assert_int_equal(honey_path(i)[0], '/');
	assert_null(honey_path(HONEY_FILES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decoy_is_seen_when_it_is_opened),
		cmocka_unit_test(paths_are_absolute_and_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
