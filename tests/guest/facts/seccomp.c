/* Facts about seccomp and Landlock: flags, actions and the notification interface, each tried. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"

#define WAIT_KILLABLE   (1u << 5)           /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 5.19 */
#define FD_SYNC_WAKE_UP _IOW('!', 4, __u64) /* SECCOMP_IOCTL_NOTIF_SET_FLAGS, 6.6 */

/* Allows everything; getppid goes to the listener. */
static struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int install(unsigned flags)
{
	const struct sock_fprog program = {.len = 4, .filter = code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void actions(void)
{
	char line[200];

	get_line("/proc/sys/kernel/seccomp/actions_avail", line, sizeof(line));
	say(strcmp(line, "absent") != 0, "%s", line);
}

static void log_flag(void)
{
	say_rc(install(SECCOMP_FILTER_FLAG_LOG));
}

static void tsync(void)
{
	say_rc(install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
		       SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static void spec_allow(void)
{
	say_rc(install(SECCOMP_FILTER_FLAG_SPEC_ALLOW));
}

static void listener(void)
{
	say_rc(install(SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static void wait_killable(void)
{
	say_rc(install(SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE));
}

static void sync_wake_up(void)
{
	const int fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);

	say_rc(fd < 0 ? -1 : ioctl(fd, FD_SYNC_WAKE_UP, 1ul));
}

/* One call served: answered from outside with a descriptor put into the caller. */
static void add_fd_and_send(void)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_addfd add = {.flags = 2, .srcfd = 0}; /* SECCOMP_ADDFD_FLAG_SEND */
	const int fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	int status = 0, rc, err;
	pid_t pid;

	if (fd < 0)
		say(false, NULL);
	pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_getppid) > 2 ? 0 : 1);
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		say(false, NULL);
	add.id = request.id;
	rc = ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	err = errno;
	if (rc < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	errno = err;
	say_rc(rc < 0 || status ? -1 : 0);
}

/* The listener handed over: a child installs the filter and its parent takes the descriptor. */
static void take_listener(void)
{
	int ready[2];
	char number[4];
	pid_t pid;
	int from, rc, err;

	if (pipe(ready) < 0)
		say(false, NULL);
	pid = fork();
	if (pid == 0) {
		number[0] = (char)install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
		if (write(ready[1], number, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], number, 1) != 1)
		say(false, NULL);
	from = (int)syscall(SYS_pidfd_open, pid, 0);
	rc = (int)syscall(SYS_pidfd_getfd, from, number[0], 0);
	err = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	errno = err;
	say_rc(rc);
}

static void landlock(void)
{
	/* "5.13 files, 2 refer, 3 truncate, 4 tcp, 5 ioctl, 6 scopes, 7 log" */
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);

	if (abi < 0)
		say(false, NULL);
	say(true, "ABI %ld", abi);
}

const struct fact seccomp_facts[] = {
    {"seccomp_actions", "4.14", actions},
    {"seccomp_log", "4.14", log_flag},
    {"seccomp_tsync_and_listener", "5.7", tsync},
    {"seccomp_spec_allow", "4.17", spec_allow},
    {"seccomp_listener", "5.0", listener},
    {"seccomp_wait_killable_recv", "5.19", wait_killable},
    {"seccomp_sync_wake_up", "6.6", sync_wake_up},
    {"seccomp_addfd_send", "5.14", add_fd_and_send},
    {"seccomp_listener_by_pidfd", "5.6", take_listener},
    {"landlock", "5.13", landlock},
    {0},
};
