/* The gvisor boundary: a container whose only programs are ward-runsc and gVisor's runsc. The program's calls are
 * answered by a kernel in user space, which sees the granted files and nothing else of the host; what breaks out of
 * it stands in that container. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/gvisor/bundle.h"
#include "boundary/gvisor/failed.h"
#include "boundary/parts.h"

#define JAILER "/ward/ward-runsc"
#define RUNSC  "/ward/runsc"
#define STATE  "/ward/run"
#define STATE_INODES 64

/* Processes and threads of runsc itself: the command, the one that opens files, the kernel. Measured: 32 to 38 while a
 * program sleeps; the rest is room for Go's runtime, which starts a thread for every call that blocks. */
#define OWN_TASKS 128
/* And for each process of the program's: one that holds its memory, one that runs it, and those that watch them.
 * Measured: 113 for 20 processes. */
#define TASKS_EACH 6

/* What the floor refuses everybody else. runsc gives its processes namespaces and roots of their own before they
 * meet a byte of the program's, and its kernel runs the program under ptrace. All of it with the rights of a user
 * namespace that is made inside, and so over nothing of the host. */
static const uint16_t sandbox_calls[] = {
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_clone, SYS_ptrace,
};
static const struct jail jail = { BUNDLE_ROOT, sandbox_calls, ARRAY_SIZE(sandbox_calls) };
/* The same for a program in runsc's place, with its files where it has them: more than runsc's processes have. */
static const struct jail bare_jail = { "", sandbox_calls, ARRAY_SIZE(sandbox_calls) };

/* What runsc needs to start, and what its two processes leave themselves: the lists of runsc/boot/filter and
 * runsc/fsgofer/filter, without the network. The policy's own list is for programs. */
static const uint16_t runsc_calls[] = {
	/* start: Go's runtime, users and namespaces, a root of its own */
	SYS_execve, SYS_arch_prctl, SYS_brk, SYS_prctl, SYS_capget, SYS_capset, SYS_setuid, SYS_setgid, SYS_setgroups,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getppid, SYS_setsid, SYS_setpgid, SYS_getpgid, SYS_uname,
	SYS_sched_getaffinity, SYS_prlimit64, SYS_getrlimit, SYS_setrlimit, SYS_set_tid_address, SYS_set_robust_list,
	SYS_rseq, SYS_open, SYS_openat, SYS_access, SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_chdir,
	SYS_fchdir, SYS_getcwd, SYS_newfstatat, SYS_stat, SYS_lstat, SYS_statx, SYS_fstatfs, SYS_statfs, SYS_mkdirat,
	SYS_unlinkat, SYS_renameat, SYS_flock, SYS_umask, SYS_pipe2, SYS_dup, SYS_dup2, SYS_dup3, SYS_wait4, SYS_waitid,
	SYS_kill, SYS_seccomp, SYS_personality, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_pidfd_open,
	SYS_pidfd_send_signal, SYS_sysinfo, SYS_openat2, SYS_vfork, SYS_close_range,
	/* the kernel in user space, and the one that opens files for it */
	SYS_accept, SYS_accept4, SYS_bind, SYS_clock_gettime, SYS_close, SYS_connect, SYS_epoll_create1, SYS_epoll_ctl,
	SYS_epoll_pwait, SYS_eventfd2, SYS_exit, SYS_exit_group, SYS_fallocate, SYS_fchmod, SYS_fchmodat, SYS_fchown,
	SYS_fchownat, SYS_fcntl, SYS_fdatasync, SYS_fgetxattr, SYS_fsetxattr, SYS_fstat, SYS_fsync, SYS_ftruncate, SYS_futex,
	SYS_getcpu, SYS_getdents64, SYS_getpeername, SYS_getpid, SYS_getrandom, SYS_getsockname, SYS_getsockopt, SYS_gettid,
	SYS_gettimeofday, SYS_ioctl, SYS_linkat, SYS_listen, SYS_lseek, SYS_madvise, SYS_membarrier, SYS_memfd_create,
	SYS_mincore, SYS_mknodat, SYS_mlock, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_munlock, SYS_munmap, SYS_nanosleep,
	SYS_clock_nanosleep, SYS_poll, SYS_ppoll, SYS_pread64, SYS_preadv, SYS_preadv2, SYS_pwrite64, SYS_pwritev,
	SYS_pwritev2, SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_restart_syscall, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait, SYS_sched_yield, SYS_sendmsg, SYS_sendto, SYS_setitimer,
	SYS_setsockopt, SYS_shutdown, SYS_sigaltstack, SYS_socket, SYS_socketpair, SYS_symlinkat, SYS_sync_file_range,
	SYS_tee, SYS_tgkill, SYS_time, SYS_timer_create, SYS_timer_delete, SYS_timer_settime, SYS_utimensat, SYS_write,
	SYS_writev,
	/* see sandbox_calls */
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_clone, SYS_ptrace,
};

/* What stands around runsc. */
static const struct boundary *container(void)
{
	return boundary_find("container");
}

static int gvisor_probe(const struct host *host, struct err *e)
{
	if (container()->probe(host, e) < 0)
		return -1;
	if (!*host->runsc)
		return err_set(e, ERR_UNSUPPORTED, "%s", host->runsc_why);
	return 0;
}

/* What a policy may ask of a program of the host, and gVisor cannot give. */
static int check_policy(const struct rung *rung, struct err *e)
{
	const struct policy *const policy = rung->policy;

	if (policy_n(policy, KEY_NETWORK) != NETWORK_NONE)
		return err_set(e, ERR_UNSUPPORTED, "network: host would tie the program to the host's network stack, past "
			       "gVisor's own; use network: none");
	if (policy_n(policy, KEY_MDWE))
		return err_set(e, ERR_UNSUPPORTED, "hardening.mdwe: gVisor's kernel writes the code by which it runs the program; "
			       "take it out of the policy");
	if (policy_n(policy, KEY_NO_TSC))
		return err_set(e, ERR_UNSUPPORTED, "hardening.no_tsc: gVisor's kernel takes its clock from the cycle counter; take "
			       "it out of the policy");
	if (rung->payload->n_pass)
		return err_set(e, ERR_UNSUPPORTED, "a descriptor of the host cannot be passed into gVisor's kernel; use standard "
			       "input and output, or grant the file");
	if (rung->payload->observed)
		return err_set(e, ERR_UNSUPPORTED, "the host sees gVisor's calls, not the program's; trace it with -b container");
	return 0;
}

static void unset(struct policy *policy, enum policy_key key)
{
	policy->values[key] = (struct policy_value){ .set = false };
}

/* The container's policy: the limits of the whole, and none of what the program's own kernel keeps. */
static struct policy *narrowed(struct rung *rung)
{
	struct policy *const policy = arena_alloc(&rung->arena, sizeof(*policy));
	struct filter_row *const rows = arena_alloc(&rung->arena, ARRAY_SIZE(runsc_calls) * sizeof(*rows));

	*policy = *rung->policy;
	for (size_t i = 0; i < ARRAY_SIZE(runsc_calls); i++)
		rows[i] = (struct filter_row){ .nr = runsc_calls[i], .act = FILTER_ALLOW, .origin = "gvisor" };
	policy->syscalls = (struct filter_set){
		.rows = rows, .n_rows = ARRAY_SIZE(runsc_calls), .otherwise = FILTER_ERRNO, .otherwise_sys = ENOSYS,
	};
	policy->values[KEY_PROC] = (struct policy_value){ .set = true, .n = PROC_PID };
	unset(policy, KEY_CWD);
	unset(policy, KEY_FILES);
	unset(policy, KEY_FSIZE);
	unset(policy, KEY_STACK);
	unset(policy, KEY_ASLR);
	if (policy->values[KEY_PIDS].set)
		policy->values[KEY_PIDS].n = policy_n(policy, KEY_PIDS) * TASKS_EACH + OWN_TASKS;
	return policy;
}

static void bind_program(struct rung *rung, const char *path, const char *at)
{
	plan_add(rung->plan, OP_BIND, .s = at, .t = path, .flags = BIND_RDONLY | BIND_FILE,
		 .fd_plus_one = parts_open(rung, path, false, false));
}

/* What the kernel in user space puts its own file systems on: its root is read-only. */
static void add_places(struct rung *rung)
{
	static const char *const places[] = {
		BUNDLE_ROOT "/proc", BUNDLE_ROOT "/sys", BUNDLE_ROOT "/dev", BUNDLE_ROOT "/tmp",
		"/tmp", /* where it sets up its own empty root */
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		plan_add(rung->plan, OP_DIR, .s = places[i], .n = 0755);
}

static void add_sandbox(struct rung *rung, const char *config)
{
	add_places(rung);
	plan_add(rung->plan, OP_DIR, .s = "/ward", .n = 0755);
	plan_add(rung->plan, OP_DIR, .s = BUNDLE_DIR, .n = 0755);
	plan_add(rung->plan, OP_FILE, .s = BUNDLE_DIR "/config.json", .t = config, .n = 0444);
	plan_add(rung->plan, OP_TMPFS, .s = STATE, .n = GVISOR_NOTES_BYTES, .m = STATE_INODES, .flags = BIND_NOEXEC);
	bind_program(rung, rung->host->runsc_jailer, JAILER);
	bind_program(rung, rung->host->runsc, RUNSC);
	rung->plan->n_fds = rung->first_fd + (uint32_t)rung->n_open;
}

/* The environment is the program's alone, and in its configuration: Go's runtime takes orders from variables. */
static void become_jailer(struct rung *rung)
{
	static const char *const none[] = { NULL };
	const char *const cwd = policy_text(rung->policy, KEY_CWD);
	const struct payload *const from = rung->payload;
	struct payload *const payload = arena_alloc(&rung->arena, sizeof(*payload));
	const char **const argv = arena_alloc(&rung->arena, 5 * sizeof(*argv));
	const char *path = "";

	for (const char *const *at = from->envp; *at; at++)
		if (strncmp(*at, "PATH=", 5) == 0)
			path = *at + 5;
	argv[0] = JAILER;
	argv[1] = from->argv[0];
	argv[2] = path;
	argv[3] = cwd ? cwd : "/";
	*payload = *from;
	payload->argv = argv;
	payload->envp = none;
	rung->payload = payload;
}

static int gvisor_plan(struct rung *rung, struct err *e)
{
	OWN(str) config = STR_NONE;

	if (check_policy(rung, e) < 0 || bundle_write(rung, &config, e) < 0)
		return -1;
	if (bundle_user(rung->policy, false) == 0)
		rung->notes |= NOTE_GUEST_ROOT;
	if (!rung->payload->in_kernels_place)
		become_jailer(rung);
	rung->policy = narrowed(rung);
	rung->jail = rung->payload->in_kernels_place ? &bare_jail : &jail;
	rung->reserves = true;
	if (container()->plan(rung, e) < 0)
		return -1;
	rung->plan->boundary = BOUNDARY_GVISOR;
	rung->notes &= ~(uint32_t)NOTE_SHARED_KERNEL;
	rung->notes |= NOTE_NO_REPORT; /* what the program is refused, its own kernel refuses */
	if (!rung->payload->in_kernels_place)
		add_sandbox(rung, str_text(&config));
	return 0;
}

extern const struct boundary boundary_gvisor;
const struct boundary boundary_gvisor = {
	.name = "gvisor",
	.summary = "gVisor's kernel in user space answers the program's calls, inside a container",
	.has_mounts = true,
	.has_kernel = true,
	.probe = gvisor_probe,
	.plan = gvisor_plan,
};
