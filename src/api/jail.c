/* Layers of the front, each read back. The table of calls is what the front, SQLite, libmicrohttpd and GnuTLS were seen
 * to make under all tests, and what stands behind functions that one of them imports and no test reaches (a full disk, a
 * damaged database); it has no execve, and no socket() but pairs. */
#include "api/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "model/filter.h"

#define FILES_MAX   16384
#define PROGRAM_MAX 1024

static const uint16_t calls[] = {
	/* streams and files */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close, SYS_lseek, SYS_fstat, SYS_newfstatat,
	SYS_openat, SYS_fcntl, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_unlink,
	SYS_unlinkat, SYS_mkdir, SYS_mkdirat, SYS_rmdir, SYS_access,
	SYS_getdents64, SYS_getcwd, SYS_readlink, SYS_fchmod, SYS_sendfile,
	/* connections, and the pipes of boxes */
	SYS_accept4, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_shutdown, SYS_setsockopt, SYS_getsockopt,
	SYS_getsockname, SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait,
	SYS_epoll_pwait, SYS_poll, SYS_ppoll,
	/* memory, threads, time */
	SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_sched_yield, SYS_sched_getaffinity,
	SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_getpid, SYS_gettid, SYS_geteuid,
	SYS_getuid, SYS_getegid, SYS_getgid, SYS_uname, SYS_sysinfo,
	/* signals and the end */
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit,
	SYS_exit_group,
};

#define TEST(arg, op, mask, value) { .n_tests = 1, .tests = { { arg, FILTER_##op, mask, value } } }
static const struct {
	uint16_t nr;
	struct filter_row row;
} bounded[] = {
	{ SYS_mmap, TEST(2, EQ, PROT_EXEC, 0) },
	{ SYS_mprotect, TEST(2, EQ, PROT_EXEC, 0) },
	{ SYS_clone, TEST(0, EQ, CLONE_THREAD, CLONE_THREAD) },
	{ SYS_socketpair, TEST(0, EQ, UINT32_MAX, AF_UNIX) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, FIONBIO) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, FIONREAD) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, TCGETS) },
	{ SYS_prctl, TEST(0, EQ, UINT32_MAX, PR_SET_NAME) },
	{ SYS_prlimit64, TEST(2, EQ, UINT64_MAX, 0) },
};

/* abort() sends itself a signal: to itself alone. */
static void add_own(struct filter_set *set, uint16_t nr)
{
	const struct filter_row row = { .nr = nr, .act = FILTER_ALLOW, .n_tests = 1,
					.tests = { { 0, FILTER_EQ, UINT32_MAX, (uint32_t)getpid() } } };

	filter_add(set, &row);
}

static int enter_filter(struct err *e)
{
	const struct filter_row no_clone3 = { .nr = SYS_clone3, .act = FILTER_ERRNO, .sys = ENOSYS, .quiet = true };
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[PROGRAM_MAX];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		filter_add(&set, &(struct filter_row){ .nr = calls[i], .act = FILTER_ALLOW });
	for (size_t i = 0; i < ARRAY_SIZE(bounded); i++) {
		struct filter_row row = bounded[i].row;

		row.nr = bounded[i].nr;
		row.act = FILTER_ALLOW;
		filter_add(&set, &row);
	}
	/* Its arguments lie in memory; libc then uses clone(), whose flags can be seen. */
	filter_add(&set, &no_clone3);
	add_own(&set, SYS_tgkill);
	add_own(&set, SYS_kill);
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return -1;
	if (SANITIZED) /* its runtime makes calls of its own */
		return 0;
	return seccomp_enter(program, n, SECCOMP_ALONE, e);
}

/* -- files -- */

/* All rights that a kernel of this ABI knows; linux/landlock.h. */
static const struct {
	int abi;
	uint64_t files, ports, scopes;
} levels[] = {
	{ 1, (1 << 13) - 1, 0, 0 },
	{ 2, (1 << 14) - 1, 0, 0 },     /* refer */
	{ 3, (1 << 15) - 1, 0, 0 },     /* truncate */
	{ 4, (1 << 15) - 1, 3, 0 },     /* bind and connect TCP */
	{ 5, (1 << 16) - 1, 3, 0 },     /* ioctl on devices */
	{ 6, (1 << 16) - 1, 3, 3 },     /* abstract sockets, signals */
};

static int enter_landlock(struct err *e)
{
	const uint64_t beneath = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |
				 LANDLOCK_ACCESS_FS_MAKE_REG | 1 << 13 /* refer */ | 1 << 14 /* truncate */;
	const int abi = landlock_abi();
	size_t level = 0;
	int rules;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no Landlock, which keeps the front in its directory: boot with lsm=landlock,...");
	while (level + 1 < ARRAY_SIZE(levels) && levels[level + 1].abi <= abi)
		level++;
	rules = landlock_new(levels[level].files, levels[level].ports, levels[level].scopes, e);
	if (rules < 0)
		return -1;
	if (landlock_add_path(rules, ".", false, beneath & levels[level].files, e) < 0) {
		close(rules);
		return -1;
	}
	return landlock_enter(rules, e);
}

/* -- all of it -- */

static int enter_limits(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	return drop_rlimit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX, e) < 0 || drop_rlimit(RLIMIT_MEMLOCK, 0, 0, e) < 0 ||
	       drop_dumps(e) < 0 || drop_speculation(false, e) < 0 ? -1 : 0;
}

/* A file that everybody may read, and this process no more. */
static bool sees_root(void)
{
	const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One line of the status, without its name. */
static void take_line(const char *status, const char *name, char *out, size_t size)
{
	const char *line = strstr(status, name);
	size_t len;

	if (!line)
		return;
	line += strlen(name);
	line += strspn(line, " \t");
	len = strcspn(line, "\n");
	snprintf(out, size, "%.*s", (int)len, line);
}

static int check(int status_fd, struct jail *out, struct err *e)
{
	struct jail jail = { .sees_root = sees_root() };
	char status[4096];
	const ssize_t n = pread(status_fd, status, sizeof(status) - 1, 0);

	if (n <= 0)
		return err_sys(e, "read what is in force from /proc/self/status");
	status[n] = '\0';
	take_line(status, "\nUid:", jail.uid, sizeof(jail.uid));
	take_line(status, "\nCapEff:", jail.effective, sizeof(jail.effective));
	take_line(status, "\nCapBnd:", jail.bounding, sizeof(jail.bounding));
	take_line(status, "\nNoNewPrivs:", jail.no_new_privs, sizeof(jail.no_new_privs));
	take_line(status, "\nSeccomp:", jail.seccomp, sizeof(jail.seccomp));
	if (strspn(jail.effective, "0") != strlen(jail.effective) || strcmp(jail.no_new_privs, "1") ||
	    (!SANITIZED && strcmp(jail.seccomp, "2")) || jail.sees_root)
		return err_set(e, ERR_BUG, "what is in force is not what was set: caps %s, no_new_privs %s, seccomp %s, %s",
			       jail.effective, jail.no_new_privs, jail.seccomp, jail.sees_root ? "/ can be opened" : "/ is closed");
	*out = jail;
	return 0;
}

static int enter_all(struct jail *out, struct err *e)
{
	OWN_FD int status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (status_fd < 0)
		return err_sys(e, "open /proc/self/status");
	if (drop_own_caps(0, e) < 0 || drop_new_privs(e) < 0 || enter_limits(e) < 0 || enter_landlock(e) < 0 || enter_filter(e) < 0)
		return -1;
	return check(status_fd, out, e);
}

int jail_enter(struct jail *out, struct err *e)
{
	if (geteuid() == 0 || getuid() == 0)
		return err_set(e, ERR_DENIED, "the front is never root; `ward serve` starts it as somebody else");
	return enter_all(out, e) < 0 ? err_add(e, "the front's jail") : 0;
}
