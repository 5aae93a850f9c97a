/* mech/seccomp_get: the filters of a running process come back as they were installed. */
#include "mech/seccomp_get.h"

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/mem.h"
#include "child.h"
#include "mech/drop.h"
#include "mech/seccomp.h"

static const struct sock_filter older[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct sock_filter newer[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };

/* A child that installs filters, says so, and ends with 7 when `go` says something. */
static pid_t start(int go, int ready, bool with_filters)
{
	const pid_t pid = fork();
	struct err e = ERR_INIT;
	char byte = 0;

	if (pid)
		return pid;
	if (with_filters)
		EXPECT(drop_new_privs(&e) == 0 && seccomp_enter(older, 4, false, &e) == 0 &&
		       seccomp_enter(newer, 1, false, &e) == 0);
	EXPECT(write(ready, &byte, 1) == 1);
	EXPECT(read(go, &byte, 1) == 1);
	_exit(7);
}

/* What the kernel refuses everybody here, a container for one, is no fault of ours. */
static void skip_refused(const struct err *e)
{
	if (e->kind != ERR_DENIED && e->kind != ERR_UNSUPPORTED)
		fail_msg("%s", e->text);
	print_message("[  SKIPPED ] %s\n", e->text);
	skip();
}

static void filters_come_back_oldest_first_and_the_process_goes_on(void **state)
{
	OWN(seccomp_programs) programs = SECCOMP_PROGRAMS_NONE;
	struct err e = ERR_INIT;
	int go[2], ready[2], status, rc;
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid = start(go[0], ready[1], true);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	rc = seccomp_get(pid, &programs, &e);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	if (rc < 0)
		skip_refused(&e);
	assert_int_equal(programs.n, 2);
	assert_int_equal(programs.of[0].n, ARRAY_SIZE(older));
	assert_memory_equal(programs.of[0].at, older, sizeof(older));
	assert_int_equal(programs.of[1].n, ARRAY_SIZE(newer));
	assert_memory_equal(programs.of[1].at, newer, sizeof(newer));
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(ready[i]);
	}
}

static void who_is_gone_or_not_ours_is_named(void **state)
{
	OWN(seccomp_programs) programs = SECCOMP_PROGRAMS_NONE;
	struct err e = ERR_INIT;
	const pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(seccomp_get(pid, &programs, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_non_null(strstr(e.text, "is gone"));
	assert_int_equal(seccomp_get(getpid(), &programs, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.text, "may not be traced"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_come_back_oldest_first_and_the_process_goes_on),
		cmocka_unit_test(who_is_gone_or_not_ours_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
