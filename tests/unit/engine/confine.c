/* engine/confine: what the front can still do afterwards, and what kills it. In a child each. */
#include "engine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/peek.h"

#define NO_FILTER 77    /* no seccomp here: nothing to test */

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_FILTER 0    /* see engine/confine.c */
#else
#define HAS_FILTER 1
#endif

static int work(void)
{
	struct err e;
	int pair[2];
	char text[16];
	struct pollfd one;
	void *large;
	pid_t child;

	if (pipe(pair) < 0)
		return 3;
	child = fork();
	if (child == 0)
		_exit(0);
	if (confine_self(&e) < 0)
		return NO_FILTER;
	one = (struct pollfd){ .fd = pair[0], .events = POLLIN };
	large = malloc(1 << 20);
	if (!large || write(pair[1], "x", 1) != 1 || poll(&one, 1, 0) != 1 ||
	    read(pair[0], text, 1) != 1)
		return 1;
	memset(large, 1, 1 << 20);
	large = realloc(large, 4 << 20);
	free(large);
	if (waitpid(child, NULL, 0) != child || close(pair[0]) < 0)
		return 2;
	printf("%s", "");
	fflush(stdout);
	return 0;
}

static int try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}
static int try_exec(void)
{
	return execl("/bin/true", "true", NULL) == 0;
}
static int try_fork(void)
{
	return fork() >= 0;
}
static int try_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}
static int try_kill_another(void)
{
	return kill(getppid(), 0) == 0;
}
static int try_kill_parent(void)
{
	return kill(1, 0) == 0;
}
static int try_executable_memory(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED;
}
static int try_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) == 0;
}
static int try_fake_input(void)
{
	return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x") == 0;
}
static int try_x32(void)
{
	return syscall(SYS_read | 0x40000000, 0, NULL, 0) == 0;
}

static int run_child(int (*what)(void), bool confined)
{
	int status;
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e;

		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (confined && confine_self(&e) < 0)
			_exit(NO_FILTER);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void the_fronts_work_goes_on(void **state)
{
	const int status = run_child(work, false);

	(void)state;
	if (!HAS_FILTER || (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER))
		skip();
	assert_int_equal(status, 0);
}

static void everything_else_kills(void **state)
{
	static int (*const rows[])(void) = {
		try_open, try_exec, try_fork, try_socket, try_kill_another, try_kill_parent,
		try_executable_memory, try_ptrace, try_fake_input, try_x32,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int status = run_child(rows[i], true);

		if (!HAS_FILTER || (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER))
			skip();
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

/* An owner of others' guests hands descriptors on, and can do nothing else that the front cannot. */
static int hand_on(void)
{
	char byte[] = "x";
	struct iovec iov = { byte, 1 };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct err e = ERR_INIT;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return 3;
	if (confine_owner(&e) < 0)
		return NO_FILTER;
	return sendmsg(pair[0], &msg, 0) == 1 ? 0 : 1;
}
static int open_as_owner(void)
{
	struct err e = ERR_INIT;

	return confine_owner(&e) < 0 ? NO_FILTER : try_open();
}

static void an_owner_hands_descriptors_on_and_opens_none(void **state)
{
	const int handed = run_child(hand_on, false), opened = run_child(open_as_owner, false);

	(void)state;
	if (!HAS_FILTER || (WIFEXITED(handed) && WEXITSTATUS(handed) == NO_FILTER))
		skip();
	assert_int_equal(handed, 0);
	assert_true(WIFSIGNALED(opened) && WTERMSIG(opened) == SIGSYS);
}

static int try_open_for_writing(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}
static int try_write_memory(void)
{
	return syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0) == 0;
}
static int look_around(void)
{
	struct stat st;

	return open("/usr/lib/os-release", PEEK_OPEN) >= 0 && fstatat(AT_FDCWD, "/usr", &st, 0) == 0 ? 0 : 1;
}

static int watch(int (*what)(void), pid_t watched)
{
	int status;
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;
		const int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		_exit(confine_watcher(proc_fd, watched, &e) < 0 ? NO_FILTER : what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static pid_t start_sleeper(void)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(20);      /* should the test be killed */
		for (;;)
			pause();
	}
	return pid;
}

static void a_watcher_can_look_and_nothing_else(void **state)
{
	static int (*const rows[])(void) = {
		try_exec, try_fork, try_socket, try_kill_another, try_executable_memory, try_ptrace, try_fake_input,
		try_open_for_writing, try_write_memory,
	};
	const pid_t watched = start_sleeper();
	const int status = watch(look_around, watched);
	const bool can = HAS_FILTER && !(WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; can && i < ARRAY_SIZE(rows); i++) {
		const int ended = watch(rows[i], watched);

		n += WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSYS;
	}
	kill(watched, SIGKILL);
	assert_int_equal(waitpid(watched, NULL, 0), watched);
	if (!can)
		skip();
	assert_int_equal(status, 0);
	assert_int_equal(n, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watcher_can_look_and_nothing_else),
		cmocka_unit_test(the_fronts_work_goes_on),
		cmocka_unit_test(everything_else_kills),
		cmocka_unit_test(an_owner_hands_descriptors_on_and_opens_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
