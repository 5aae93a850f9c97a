/* mech/seccomp: installing a filter, with a listener and without. */
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
#include "mech/drop.h"
#include "mech/seccomp.h"

static int answer_getppid(uint32_t said, unsigned listen, struct err *e)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, said),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return seccomp_enter(program, 4, listen, e);
}

static void enter(void)
{
	struct err e = ERR_INIT;

	EXPECT(drop_new_privs(&e) == 0);
	EXPECT(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, false, &e) == 0);
	EXPECT(syscall(SYS_getppid) == -1 && errno == EXDEV);
}

static void a_filter_answers_at_once(void **state)
{
	(void)state;
	child_succeeds(enter);
}

static void listen_twice(void)
{
	struct err e = ERR_INIT;
	int fd;

	EXPECT(drop_new_privs(&e) == 0);
	fd = answer_getppid(SECCOMP_RET_USER_NOTIF, true, &e);
	EXPECT(fd > 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(answer_getppid(SECCOMP_RET_ALLOW, true, &e) == -1);
	EXPECT(e.kind == ERR_UNSUPPORTED && strstr(e.text, "--log none"));
	EXPECT(answer_getppid(SECCOMP_RET_ALLOW, false, &e) == 0);
	close(fd); /* nobody listens any more: the call does not exist */
	EXPECT(syscall(SYS_getppid) == -1 && errno == ENOSYS);
}

static void there_is_one_listener_and_a_second_is_told_so(void **state)
{
	(void)state;
	child_succeeds(listen_twice);
}

static void enter_what_is_no_filter(void)
{
	const struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) };
	struct err e = ERR_INIT;

	EXPECT(drop_new_privs(&e) == 0);
	EXPECT(seccomp_enter(endless, 1, false, &e) == -1 && e.sys == EINVAL);
	EXPECT(seccomp_enter(endless, 0, false, &e) == -1 && e.sys == EINVAL);
	EXPECT(syscall(SYS_getppid) > 0);
}

static void what_is_no_filter_is_refused(void **state)
{
	(void)state;
	child_succeeds(enter_what_is_no_filter);
}

static void enter_with_new_privileges(void)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	EXPECT(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, false, &e) == -1 && e.sys == EACCES);
}

static void an_ordinary_user_must_have_given_up_new_privileges(void **state)
{
	(void)state;
	child_succeeds(enter_with_new_privileges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_answers_at_once),
		cmocka_unit_test(there_is_one_listener_and_a_second_is_told_so),
		cmocka_unit_test(what_is_no_filter_is_refused),
		cmocka_unit_test(an_ordinary_user_must_have_given_up_new_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
