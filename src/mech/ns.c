/* Namespaces by clone3 and unshare. Everything a child needs is passed in; nothing is looked up later. */
#include "mech/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pid_fd, struct err *e)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pid_fd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	/* The filter of a container around us cannot see clone3's flags and says that there is none. */
	if (pid < 0 && errno == ENOSYS && cgroup_fd < 0)
		pid = (pid_t)syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, pid_fd, NULL, 0);
	if (pid < 0)
		return err_sys(e, "clone3 (flags %#llx)", (unsigned long long)flags);
	return pid;
}

pid_t ns_spawn(int (*body)(void *arg), void *arg, struct err *e)
{
	static _Alignas(16) char stack[64 << 10];
	const int flags = CLONE_FILES | CLONE_VFORK | SIGCHLD;
	int pid = SANITIZED ? -1 : clone(body, stack + sizeof(stack), flags | CLONE_VM, arg);

	/* A copy: where memory cannot be shared, and for a sanitizer, which knows no stack but its own. */
	if (pid < 0 && (SANITIZED || errno == EINVAL))
		pid = (int)syscall(SYS_clone, (long)flags, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(body(arg));
	return pid < 0 ? err_sys(e, "clone of the program's process") : pid;
}

/* Fills `back` (of cap bytes, 0: nothing is asked) with what the file then holds. */
static int write_file(const char *path, const char *text, char *back, size_t cap, struct err *e)
{
	const int fd = open(path, (cap ? O_RDWR : O_WRONLY) | O_CLOEXEC);
	const size_t len = strlen(text);
	ssize_t wrote, got = 0;
	int saved;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	wrote = write(fd, text, len);
	if (wrote == (ssize_t)len && cap)
		got = pread(fd, back, cap, 0);
	saved = errno;
	close(fd);
	errno = saved;
	return wrote != (ssize_t)len || got < 0 ? err_sys(e, "write to %s", path) : 0;
}

int ns_map(pid_t pid, bool groups, uint32_t inside, uint32_t outside, struct err *e)
{
	unsigned first = 0, lower = 0, count = 0;
	char path[48], line[48], back[64] = "";

	if (groups && geteuid() != 0) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
		if (write_file(path, "deny", NULL, 0, e) < 0)
			return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/%cid_map", pid, groups ? 'g' : 'u');
	snprintf(line, sizeof(line), "%u %u 1", inside, outside);
	if (write_file(path, line, back, sizeof(back) - 1, e) < 0)
		return -1;
	if (sscanf(back, "%u %u %u", &first, &lower, &count) != 3 || first != inside || lower != outside || count != 1)
		return err_set(e, ERR_BUG, "%s does not hold what was written to it", path);
	return 0;
}

int ns_cgroup(struct err *e)
{
	return unshare(CLONE_NEWCGROUP) < 0 ? err_sys(e, "unshare of the cgroup namespace") : 0;
}

int ns_time(struct err *e)
{
	struct timespec monotonic, boot;
	char line[96];

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, "unshare of the time namespace");
	snprintf(line, sizeof(line), "monotonic -%lld 0\nboottime -%lld 0\n",
		 (long long)monotonic.tv_sec, (long long)boot.tv_sec);
	return write_file("/proc/self/timens_offsets", line, NULL, 0, e);
}

int ns_no_nesting(struct err *e)
{
	return write_file("/proc/sys/user/max_user_namespaces", "0", NULL, 0, e);
}

uint64_t ns_inode(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}
