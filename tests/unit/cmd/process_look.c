/* cmd/process_look: this process, and one that is not there. */
#include "cmd/process_look.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static void this_process_is_read_whole(void **state)
{
	OWN(process_look) look = PROCESS_LOOK_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(process_look(getpid(), &look, &e), 0);
	assert_non_null(look.facts.status);
	assert_non_null(look.facts.stat);
	assert_non_null(look.facts.limits);
	assert_non_null(look.facts.mounts);
	assert_string_equal(look.facts.mounts, look.facts.own_mounts);
	for (unsigned i = 0; i < PLACE_NAMESPACES; i++)
		assert_int_equal(look.facts.same_ns[i], KNOWN_YES);
	assert_int_equal(look.facts.own_uid, getuid());
}

static void descriptors_come_in_order_with_what_they_are(void **state)
{
	OWN_FD int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	OWN(process_look) look = PROCESS_LOOK_NONE;
	struct err e = ERR_INIT;
	bool found = false;

	(void)state;
	assert_int_equal(process_look(getpid(), &look, &e), 0);
	assert_true(look.facts.fds_known);
	for (size_t i = 0; i < look.facts.n_fds; i++) {
		assert_true(!i || look.facts.fds[i - 1].number < look.facts.fds[i].number);
		if (look.facts.fds[i].number == fd) {
			found = true;
			assert_string_equal(look.facts.fds[i].target, "/dev/null");
			assert_non_null(strstr(look.facts.fds[i].info, "flags:"));
		}
	}
	assert_true(found);
}

static void no_process_is_missing_and_leaves_nothing(void **state)
{
	OWN(process_look) look = PROCESS_LOOK_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(process_look(INT_MAX, &look, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_null(look.facts.status);
	assert_null(look.facts.fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_process_is_read_whole),
		cmocka_unit_test(descriptors_come_in_order_with_what_they_are),
		cmocka_unit_test(no_process_is_missing_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
