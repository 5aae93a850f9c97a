/* mech/confine and mech/seccomp: what a filter refuses, to whom, and which of two has the last word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "child.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/seccomp.h"

static const uint16_t few[] = { SYS_getpid, SYS_write, SYS_exit_group };

static void allow_few(void)
{
	struct err e = ERR_INIT;

	EXPECT(confine_calls(few, 3, &e) == 0);
	EXPECT(syscall(SYS_getpid) > 0);
}

static void listed_calls_go_on_working(void **state)
{
	(void)state;
	child_succeeds(allow_few);
}

/* Under a sanitizer ward's own processes are not confined. */
static void need_confinement(void)
{
	if (CHILD_SANITIZED)
		child_cannot("a sanitizer makes calls of its own");
}

static void call_another(void)
{
	need_confinement();
	allow_few();
	syscall(SYS_getppid);
}

static void call_x32(void)
{
	need_confinement();
	allow_few();
	syscall(0x40000000 | SYS_getpid);
}

static void call_nothing_listed(void)
{
	struct err e = ERR_INIT;

	need_confinement();
	EXPECT(confine_calls(few, 0, &e) == 0);
}

static void any_other_call_kills(void **state)
{
	(void)state;
	child_is_killed(call_another, SIGSYS);
	child_is_killed(call_x32, SIGSYS);
	child_is_killed(call_nothing_listed, SIGSYS); /* not even the end is allowed */
}

static void confine_the_longest(void)
{
	uint16_t many[CONFINE_CALLS];
	struct err e = ERR_INIT;

	for (int i = 0; i < CONFINE_CALLS; i++)
		many[i] = 400;
	many[0] = SYS_exit_group;
	many[CONFINE_CALLS - 1] = SYS_getpid;
	EXPECT(confine_calls(many, CONFINE_CALLS, &e) == 0);
	if (syscall(SYS_getpid) <= 0)
		_exit(1);
}

static void the_longest_list_works_from_end_to_end_and_a_longer_one_is_refused(void **state)
{
	uint16_t many[CONFINE_CALLS + 1] = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	child_succeeds(confine_the_longest);
	assert_int_equal(confine_calls(many, CONFINE_CALLS + 1, &e), -1);
	assert_int_equal(e.kind, ERR_BUG);
	assert_int_equal(confine_refuse(many, CONFINE_CALLS + 1, &e), -1);
}

static void confined_children(void)
{
	static const uint16_t calls[] = { SYS_clone, SYS_clone3, SYS_wait4, SYS_exit_group, SYS_write, SYS_set_robust_list,
					  SYS_rt_sigprocmask, SYS_gettid, SYS_getpid, SYS_mprotect, SYS_futex };
	struct err e = ERR_INIT;
	int status = 0;
	pid_t pid;

	need_confinement();
	EXPECT(confine_calls(calls, sizeof(calls) / sizeof(*calls), &e) == 0);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		syscall(SYS_getppid);
		syscall(SYS_exit_group, 0);
	}
	EXPECT(syscall(SYS_wait4, pid, &status, 0, NULL) == pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void children_are_confined_too(void **state)
{
	(void)state;
	child_succeeds(confined_children);
}

/* ---- refusing ---- */

static void refuse_getppid(void)
{
	static const uint16_t refused[] = { SYS_getppid };
	struct err e = ERR_INIT;

	if (geteuid() != 0)
		child_cannot("needs CAP_SYS_ADMIN");
	EXPECT(confine_refuse(refused, 1, &e) == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	EXPECT(syscall(SYS_getppid) == -1 && errno == ENOSYS);
	EXPECT(syscall(SYS_getpid) > 0);
}

static void a_refused_call_does_not_exist_and_others_do(void **state)
{
	(void)state;
	child_succeeds(refuse_getppid);
}

static const struct sock_filter load_nr = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);

static int answer_getppid(uint32_t said, bool listener, struct err *e)
{
	const struct sock_filter program[] = {
		load_nr,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, said),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return seccomp_enter(program, 4, listener, e);
}

static void refuse_twice(void)
{
	struct err e = ERR_INIT;

	refuse_getppid();
	EXPECT(answer_getppid(SECCOMP_RET_ERRNO | EPERM, false, &e) == 0);
	EXPECT(syscall(SYS_getppid) == -1 && errno == EPERM);
}

static void a_newer_filter_that_refuses_otherwise_has_the_last_word(void **state)
{
	(void)state;
	child_succeeds(refuse_twice);
}

static void allow_again(void)
{
	struct err e = ERR_INIT;

	refuse_getppid();
	EXPECT(answer_getppid(SECCOMP_RET_ALLOW, false, &e) == 0);
	EXPECT(syscall(SYS_getppid) == -1 && errno == ENOSYS);
	EXPECT(answer_getppid(SECCOMP_RET_LOG, false, &e) == 0);
	EXPECT(syscall(SYS_getppid) == -1 && errno == ENOSYS);
}

static void no_newer_filter_allows_it_again(void **state)
{
	(void)state;
	child_succeeds(allow_again);
}

static void refuse_without_rights(void)
{
	static const uint16_t refused[] = { SYS_getppid };
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(confine_refuse(refused, 1, &e) == -1 && e.sys == EACCES);
	EXPECT(syscall(SYS_getppid) > 0);
}

static void without_rights_nothing_is_refused_and_it_is_said(void **state)
{
	(void)state;
	child_succeeds(refuse_without_rights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_calls_go_on_working),
		cmocka_unit_test(any_other_call_kills),
		cmocka_unit_test(the_longest_list_works_from_end_to_end_and_a_longer_one_is_refused),
		cmocka_unit_test(children_are_confined_too),
		cmocka_unit_test(a_refused_call_does_not_exist_and_others_do),
		cmocka_unit_test(a_newer_filter_that_refuses_otherwise_has_the_last_word),
		cmocka_unit_test(no_newer_filter_allows_it_again),
		cmocka_unit_test(without_rights_nothing_is_refused_and_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
