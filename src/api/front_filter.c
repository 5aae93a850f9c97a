/* What the front, SQLite, libmicrohttpd and GnuTLS were seen to call under all tests, and what stands behind functions
 * that one of them imports and no test reaches (a full disk, a damaged database); it has no execve, and no socket() but
 * pairs. */
#include "api/front_filter.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "model/filter_alone.h"

static const uint16_t calls[] = {
	/* streams and files */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close, SYS_lseek, SYS_fstat, SYS_newfstatat,
	SYS_fstatfs, SYS_openat, SYS_fcntl, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_unlink,
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
	{ SYS_socketpair, TEST(0, EQ, UINT32_MAX, AF_UNIX) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, FIONBIO) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, FIONREAD) },
	{ SYS_ioctl, TEST(1, EQ, UINT32_MAX, TCGETS) },
	{ SYS_prctl, TEST(0, EQ, UINT32_MAX, PR_SET_NAME) },
	{ SYS_prlimit64, TEST(2, EQ, UINT64_MAX, 0) },
};

void front_filter(struct filter_set *set, uint32_t self)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		filter_add(set, &(struct filter_row){ .nr = calls[i], .act = FILTER_ALLOW });
	for (size_t i = 0; i < ARRAY_SIZE(bounded); i++) {
		struct filter_row row = bounded[i].row;

		row.nr = bounded[i].nr;
		row.act = FILTER_ALLOW;
		filter_add(set, &row);
	}
	filter_add_alone(set, self);
}
