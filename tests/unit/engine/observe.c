/* engine/observe: a child under a filter that asks about every call, watched by us. */
#include "engine/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

/* Asks about everything but what ends the process and hands the listener over. */
static int enter_filter(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog given = { ARRAY_SIZE(program), program };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &given);
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int to, int fd)
{
	union control control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec one = { &byte, 1 };
	const struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = &control,
					.msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	(void)!sendmsg(to, &message, 0);
}

static int receive_fd(int from)
{
	union control control;
	char byte;
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

static pid_t start(int (*work)(void), int *listener)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const int fd = enter_filter();

		if (fd >= 0)
			send_fd(pair[1], fd);
		close(pair[1]);
		close(fd);
		syscall(SYS_exit_group, fd < 0 ? 77 : work());
	}
	close(pair[1]);
	*listener = receive_fd(pair[0]);
	close(pair[0]);
	return pid;
}

/* Watches until nobody uses the filter any more. Returns the wait status. */
static int watch(int (*work)(void), const struct filter_set *judge, struct record *record, int kill_after)
{
	struct observer *observer;
	struct err e = ERR_INIT;
	int listener, status, n = 0;
	const pid_t pid = start(work, &listener);

	assert_int_equal(observe_new(judge, record, false, &observer, &e), 0);
	for (;;) {
		struct pollfd one = { .fd = listener, .events = POLLIN };

		if (listener < 0 || poll(&one, 1, 10000) != 1 || !(one.revents & POLLIN))
			break;
		if (n++ == kill_after)
			kill(pid, SIGKILL);
		if (observe_turn(observer, listener, &e))
			break;
	}
	observe_finish(observer);
	observe_free(observer);
	close(listener);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	return status;
}

static int touch_things(void)
{
	const int fd = open("/usr/bin/../lib", O_RDONLY | O_DIRECTORY);
	const bool refused = syscall(SYS_mount, "a", "b", "c", 0, 0) == -1 && errno == ENOSYS;

	for (int i = 0; i < 5; i++)
		syscall(SYS_lseek, fd, i, SEEK_SET);
	syscall(100000);
	return fd >= 0 && refused ? 0 : 1;
}

static void calls_go_on_and_are_recorded(void **state)
{
	static const struct filter_row rows[] = { { .nr = SYS_mount, .act = FILTER_NOTIFY, .sys = ENOSYS } };
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	OWN(filter_set) judge = { .otherwise = FILTER_ALLOW };

	(void)state;
	filter_add(&judge, &rows[0]);
	assert_int_equal(watch(touch_things, &judge, record, -1), 0);
	assert_int_equal(record->calls[SYS_lseek].count, 5);
	assert_int_equal(record->calls[SYS_lseek].args[1].n, 5);
	assert_int_equal(record->calls[SYS_mount].refused, 1);
	assert_int_equal(record->calls[SYS_execve].count, 1);
	assert_int_equal(record->unknown, 1);
	assert_int_equal(record->caps[0].cap, 21);      /* CAP_SYS_ADMIN, for the mount */
	for (size_t i = 0; i < record->n_files; i++)
		if (!strcmp(record->files[i].path, "/usr/lib"))
			assert_int_equal(record->files[i].access, ACCESS_LIST);
	assert_string_equal(record->files[record->n_files - 1].path, "/usr/lib");
	assert_non_null(record->calls[SYS_lseek].sites[0].at.module);
	record_done(record);
}

static void a_caller_that_dies_under_ward_is_no_error(void **state)
{
	OWN(filter_set) judge = { .otherwise = FILTER_ALLOW };

	(void)state;
	for (int after = 0; after < 6; after++) {
		OWN_MEM struct record *record = mem_alloc(sizeof(*record));
		const int status = watch(touch_things, &judge, record, after);

		assert_true(WIFSIGNALED(status));
		record_done(record);
	}
}

static int in_a_child(void)
{
	const pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0) {
		syscall(SYS_getppid);
		syscall(SYS_exit_group, 0);
	}
	syscall(SYS_wait4, pid, NULL, 0, NULL);
	return 0;
}

static void children_are_seen_and_are_past_their_start(void **state)
{
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	OWN(filter_set) judge = { .otherwise = FILTER_ALLOW };

	(void)state;
	assert_int_equal(watch(in_a_child, &judge, record, -1), 0);
	assert_int_equal(record->calls[SYS_getppid].count, 1);
	assert_int_equal(record->calls[SYS_getppid].phases, PHASE_STEADY);
	record_done(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_go_on_and_are_recorded),
		cmocka_unit_test(a_caller_that_dies_under_ward_is_no_error),
		cmocka_unit_test(children_are_seen_and_are_past_their_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
