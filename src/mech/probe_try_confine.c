/* Tries what a process can give up and be given: filters, Landlock, rights, sessions. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/ns.h"
#include "mech/probe.h"
#include "mech/probe_try.h"

#define WAIT_KILLABLE      (1UL << 5) /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 5.19 */
#define LOG_SUBDOMAINS_OFF (1u << 2)  /* LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF, ABI 7 */

/* Refuses getpgid with a number nobody else returns. */
static const struct sock_filter refuse_getpgid[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static enum tried filter(long flags, struct err *said)
{
	const struct sock_fprog program = {ARRAY_SIZE(refuse_getpgid),
					   (struct sock_filter *)(uintptr_t)refuse_getpgid};

	if (drop_new_privs(said) < 0)
		return TRIED_NO;
	const long got = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (got < 0 && errno == EBUSY)
		return try_deny(said,
				"something outside already listens to ward's own refused calls");
	if (got < 0)
		return TRIED_NO;
	errno = 0;
	return syscall(SYS_getpgid, 0) == -1 && errno == 99
		   ? TRIED_YES
		   : try_deny(said, "installed, but does not filter");
}

static enum tried no_new_privs(long arg, struct err *said)
{
	(void)arg;
	return drop_new_privs(said) < 0 ? TRIED_NO : TRIED_YES;
}

static enum tried caps(long arg, struct err *said)
{
	(void)arg;
	if (geteuid() != 0 && !try_enter_userns())
		return try_say(said, "this user has none to give up");
	return drop_caps(0, said) < 0 ? TRIED_NO : TRIED_YES;
}

static enum tried identity(long arg, struct err *said)
{
	(void)arg;
	if (geteuid() != 0)
		return try_deny(said, "an ordinary user stays who it is");
	return drop_identity(65534, 65534, false, said) < 0 ? TRIED_NO : TRIED_YES;
}

static enum tried rlimits(long arg, struct err *said)
{
	(void)arg;
	if (drop_rlimit(RLIMIT_NOFILE, 3, 3, said) < 0)
		return TRIED_NO;
	return open("/", O_PATH) < 0 && errno == EMFILE ? TRIED_YES
							: try_deny(said, "set, but not enforced");
}

static enum tried no_dump(long arg, struct err *said)
{
	(void)arg;
	return drop_dumps(said) < 0 ? TRIED_NO : TRIED_YES;
}

/* Rights of linux/landlock.h by the ABI that brought them. */
static const struct {
	uint64_t files, ports, scopes;
} landlock_levels[] = {
    [1] = {.files = 0x1fff}, [2] = {.files = 1 << 13}, [3] = {.files = 1 << 14},
    [4] = {.ports = 3},      [5] = {.files = 1 << 15}, [6] = {.scopes = 3},
};

static bool is_refused(long result, int error)
{
	return result < 0 && errno == error;
}

static bool is_held_back(int abi)
{
	const struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(1)};

	switch (abi) {
	case 1:
		return is_refused(open("/proc/self/status", O_RDONLY | O_CLOEXEC), EACCES);
	case 4:
		return is_refused(connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
					  (const struct sockaddr *)&port, sizeof(port)),
				  EACCES);
	case 6:
		return is_refused(kill(getppid(), 0), EPERM);
	default: /* needs files to try it on: that the rules were taken is enough */
		return true;
	}
}

static enum tried lacks_abi(struct err *said)
{
	if (!landlock_abi())
		return try_deny(said, "not in this kernel, or not in its lsm= list");
	try_deny(said, "this kernel has ABI %d", landlock_abi());
	said->sys = EOPNOTSUPP; /* so that a newer kernel is named as the fix */
	return TRIED_NO;
}

static enum tried landlock(long abi, struct err *said)
{
	int rules;

	if (landlock_abi() < abi)
		return lacks_abi(said);
	rules = landlock_new(landlock_levels[abi].files, landlock_levels[abi].ports,
			     landlock_levels[abi].scopes, said);
	if (rules < 0 || drop_new_privs(said) < 0 || landlock_enter(rules, said) < 0)
		return TRIED_NO;
	return is_held_back((int)abi) ? try_say(said, "ABI %d", landlock_abi())
				      : try_deny(said, "entered, but does not hold");
}

static enum tried landlock_audit(long abi, struct err *said)
{
	int rules;

	if (landlock_abi() < abi)
		return lacks_abi(said);
	rules = landlock_new(1, 0, 0, said);
	if (rules < 0 || drop_new_privs(said) < 0)
		return TRIED_NO;
	return syscall(SYS_landlock_restrict_self, rules, LOG_SUBDOMAINS_OFF) < 0 ? TRIED_NO
										  : TRIED_YES;
}

/* Not for the leader of a process group, which each try's child is. */
static int own_session(void)
{
	struct err e = ERR_INIT;

	return drop_session(-1, &e) < 0 ? e.sys : 0;
}

static enum tried session(long arg, struct err *said)
{
	const int status = try_in_child(own_session);

	(void)arg;
	return status == 0 ? TRIED_YES : try_deny(said, "%s", strerror(status));
}

static enum tried terminal(long arg, struct err *said)
{
	(void)arg;
	(void)said;
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	return master >= 0 && unlockpt(master) == 0 &&
		       ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY) >= 0
		   ? TRIED_YES
		   : TRIED_NO;
}

static enum tried core_sched(long arg, struct err *said)
{
	(void)arg;
	if (drop_core_sharing(said) == 0)
		return TRIED_YES;
	if (said->sys == ENODEV)
		return try_deny(said, "moot: no core of this machine is shared by threads");
	return try_deny(said, "the kernel lacks it (CONFIG_SCHED_CORE, Linux 5.14)");
}

static enum tried speculation(long kind, struct err *said)
{
	const int state = prctl(PR_GET_SPECULATION_CTRL, kind, 0, 0, 0);

	if (state < 0)
		return TRIED_NO;
	if (state == PR_SPEC_NOT_AFFECTED)
		return try_say(said, "this processor is not affected");
	if (!(state & PR_SPEC_PRCTL))
		return state & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE)
			   ? try_say(said, "off for all")
			   : try_deny(said, "on for all, and not adjustable");
	return prctl(PR_SET_SPECULATION_CTRL, kind, PR_SPEC_FORCE_DISABLE, 0, 0) < 0 ? TRIED_NO
										     : TRIED_YES;
}

static enum tried mdwe(long arg, struct err *said)
{
	(void)arg;
	if (drop_exec_gain(said) < 0)
		return said->sys == EINVAL ? try_deny(said, "the kernel lacks PR_SET_MDWE (Linux "
							    "6.3); filter rows stand in for it")
					   : TRIED_NO;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		   ? TRIED_YES
		   : try_deny(said, "set, but does not hold");
}

static int read_tsc(void)
{
	struct err ignored;

	if (drop_tsc(&ignored) < 0)
		return 1;
	signal(SIGSEGV, SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	__builtin_ia32_rdtsc();
	return 0;
}

static enum tried tsc(long arg, struct err *said)
{
	const int status = try_in_child(read_tsc);

	(void)arg;
	return status == 128 + SIGSEGV ? TRIED_YES
				       : try_deny(said, status == 1 ? "PR_SET_TSC is refused"
								    : "set, but does not hold");
}

static enum tried clone_3(long arg, struct err *said)
{
	int pid_fd = -1;

	(void)arg;
	const pid_t pid = ns_clone(0, -1, &pid_fd, said);
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return said->sys == ENOSYS
			   ? try_deny(said,
				      "refused: the kernel, or a filter around ward, has no clone3")
			   : TRIED_NO;
	return waitpid(pid, NULL, 0) == pid &&
		       syscall(SYS_pidfd_send_signal, pid_fd, 0, NULL, 0) < 0 && errno == ESRCH
		   ? TRIED_YES
		   : try_deny(said, "the pidfd does not know that its process is gone");
}

static enum tried close_on_exec(long arg, struct err *said)
{
	(void)arg;
	(void)said;
	return syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0 ? TRIED_NO
										 : TRIED_YES;
}

/* Doors of the host that a box's filter keeps shut, and that are better shut for everybody. */
static const struct {
	const char *path;
	long shut; /* the least value that shuts it */
	long absent;
	const char *what;
} doors[] = {
    {"/proc/sys/dev/tty/legacy_tiocsti", 0, 1,
     "a program can type into the terminal it shares (a box has none)"},
    {"/proc/sys/kernel/yama/ptrace_scope", 1, 0,
     "a user's processes may trace each other (boxes cannot)"},
    {"/proc/sys/kernel/unprivileged_bpf_disabled", 1, 0,
     "any user may load BPF programs (boxes cannot)"},
    {"/proc/sys/kernel/io_uring_disabled", 1, 0, "any user may use io_uring (boxes cannot)"},
};

static enum tried door(long i, struct err *said)
{
	const long value = probe_number(doors[i].path, doors[i].absent);
	const bool shut = doors[i].shut ? value >= doors[i].shut : value == 0;

	return shut ? try_say(said, "%s = %ld", strrchr(doors[i].path, '/') + 1, value)
		    : try_deny(said, "%s", doors[i].what);
}

#define LSM_FIX "boot with lsm=landlock,..."

const struct try try_confinement[] = {
    {"seccomp filter", filter, 0, NULL, "a kernel with CONFIG_SECCOMP_FILTER", true, true},
    {"seccomp listener", filter, SECCOMP_FILTER_FLAG_NEW_LISTENER, "5.0",
     "without it refused calls are not recorded", false, false},
    {"seccomp wait-killable", filter, SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE, "5.19",
     NULL, false, false},
    {"landlock files", landlock, 1, "5.13", LSM_FIX, true, true},
    {"landlock refer", landlock, 2, "5.19", LSM_FIX, false, false},
    {"landlock truncate", landlock, 3, "6.2", LSM_FIX, false, false},
    {"landlock ports", landlock, 4, "6.7", LSM_FIX, false, false},
    {"landlock ioctl", landlock, 5, "6.10", LSM_FIX, false, false},
    {"landlock scopes", landlock, 6, "6.12", LSM_FIX, false, false},
    {"landlock audit", landlock_audit, 7, "6.15", LSM_FIX, false, false},
    {"no_new_privs", no_new_privs, 0, "3.5", NULL, true, true},
    {"capabilities dropped", caps, 0, NULL, NULL, true, true},
    {"another identity", identity, 0, NULL,
     "run ward as root or through ward-monitor; a container maps ids instead", false, false},
    {"rlimits", rlimits, 0, NULL, NULL, true, true},
    {"no core dumps", no_dump, 0, NULL, NULL, true, true},
    {"session and keyring", session, 0, NULL, "a filter around ward refuses keyctl", true, true},
    {"pseudo-terminal", terminal, 0, NULL, "mount devpts at /dev/pts", false, false},
    {"core scheduling", core_sched, 0, NULL, "pin boxes to cores of their own, or boot with nosmt",
     false, false},
    {"speculation: stores", speculation, PR_SPEC_STORE_BYPASS, "4.17",
     "boot with spec_store_bypass_disable=prctl", false, false},
    {"speculation: branches", speculation, PR_SPEC_INDIRECT_BRANCH, "4.20",
     "boot with spectre_v2_user=prctl", false, false},
    {"mdwe", mdwe, 0, NULL, "Linux 6.3 or newer", false, false},
    {"no cycle counter", tsc, 0, NULL, NULL, false, false},
    {"clone3 and pidfd", clone_3, 0, "5.5", "let the filter around ward allow clone3", true, true},
    {"close_range", close_on_exec, 0, "5.11", NULL, true, true},
    {"terminal injection", door, 0, NULL, "sysctl -w dev.tty.legacy_tiocsti=0 (Linux 6.2)", false,
     false},
    {"ptrace by the user", door, 1, NULL, "sysctl -w kernel.yama.ptrace_scope=1", false, false},
    {"bpf by the user", door, 2, NULL, "sysctl -w kernel.unprivileged_bpf_disabled=2", false,
     false},
    {"io_uring by the user", door, 3, NULL, "sysctl -w kernel.io_uring_disabled=2 (Linux 6.6)",
     false, false},
    {.name = NULL},
};
