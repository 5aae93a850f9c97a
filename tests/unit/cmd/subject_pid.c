/* cmd/subject_pid: a process is judged by its filters and its place, or refused with the reason. */
#include "cmd/subject_pid.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mech/drop.h"
#include "mech/seccomp.h"

/* A child that prepares and waits to be killed. */
static pid_t start(void (*prepare)(void))
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare();
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int look(void (*prepare)(void), struct subject *out, struct err *e)
{
	const pid_t pid = start(prepare);
	const int rc = subject_pid(pid, out, e);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return rc;
}

static void nothing(void)
{
}

static void enter(void)
{
	const struct sock_filter program[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct err e = ERR_INIT;

	if (drop_new_privs(&e) < 0 || seccomp_enter(program, 1, false, &e) < 0)
		_exit(1);
}

static void no_filter_allows_everything(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	if (prctl(PR_GET_SECCOMP) != 0)
		skip();
	assert_int_equal(look(nothing, &subject, &e), 0);
	assert_int_equal(subject.kind, SUBJECT_PROCESS);
	assert_int_equal(subject.n_filters, 0);
	assert_int_equal(subject.n_missing, 0);
	assert_true(subject.context.caps_known);
}

static void a_filter_and_its_place_are_read(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	if (look(enter, &subject, &e) < 0) {
		if (e.kind != ERR_DENIED && e.kind != ERR_UNSUPPORTED)
			fail_msg("%s", e.text);
		print_message("[  SKIPPED ] %s\n", e.text);
		skip();
	}
	assert_int_equal(subject.n_filters, 1);
	assert_string_equal(subject.filters[0].name, "filter 1 of 1");
	assert_int_equal(subject.filters[0].n, 1);
	assert_int_equal(subject.context.no_new_privs, KNOWN_YES);
}

static void who_is_not_there_is_named(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;
	const pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(subject_pid(pid, &subject, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_non_null(strstr(e.text, "there is no process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_filter_allows_everything),
		cmocka_unit_test(a_filter_and_its_place_are_read),
		cmocka_unit_test(who_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
