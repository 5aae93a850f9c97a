/* cmd/processes: our own children, as /proc tells it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/processes.h"

/* A child, and a child of it with a name that is made to confuse. */
static int start_family(void)
{
	const int pid = fork();

	if (pid)
		return pid;
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "a) R 1 (b");
	}
	for (;;)
		pause();
}

static void a_descendant_is_found_by_its_name(void **state)
{
	const int pid = start_family();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(processes_wait_for(pid, "a) R 1 (b", &e), 0);
	assert_true(processes_memory(pid) > 8192);
	kill(pid, SIGKILL);
	assert_int_equal(processes_wait_for(pid, "never", &e), -1);
	assert_non_null(strstr(e.text, "ended before never"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(processes_memory(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descendant_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
