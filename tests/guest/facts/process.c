/* Facts about single processes: prctl, descriptors, ABIs, terminals, and what an ordinary user can
 * open. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <pty.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"

static void mdwe(void)
{
	say_rc(prctl(65, 1, 0, 0, 0)); /* PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN */
}

static void sched_core(void)
{
	say_rc(prctl(62, 1, 0, 0, 0)); /* PR_SCHED_CORE, PR_SCHED_CORE_CREATE, this thread */
}

/* prctl(2): 0 not affected, 1 prctl, 2 enable, 4 disable, 8 force-disable; ENODEV: not known here
 */
static void speculation(void)
{
	static const char *const names[] = {"store-bypass", "indirect-branch", "l1d-flush"};
	char text[300] = "";

	for (unsigned i = 0; i < 3; i++) {
		const int now = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
		const int set = prctl(PR_SET_SPECULATION_CTRL, i, i == 2 ? 2 : 8, 0, 0);
		const char *done = set == 0 ? "set" : strerrorname_np(errno);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s state %d, %s; ",
			 names[i], now, done);
	}
	say(true, "%s", text);
}

static void tsc(void)
{
	say_rc(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
}

static void cpuid_fault(void)
{
	say_rc(syscall(SYS_arch_prctl, 0x1012, 0)); /* ARCH_SET_CPUID off */
}

static void shadow_stack(void)
{
	say_rc(syscall(SYS_arch_prctl, 0x5005, 0) < 0 ? -1 : 0); /* ARCH_SHSTK_STATUS */
}

static void user_dispatch(void)
{
	say_rc(prctl(59, 0, 0, 0, 0)); /* PR_SET_SYSCALL_USER_DISPATCH off */
}

static void thp(void)
{
	say_rc(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

static void no_new_privs(void)
{
	say_rc(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void newest_syscall(void)
{
	long newest = 0;

	for (long nr = 430; nr < 480; nr++)
		if (syscall(nr, -1, -1, -1, -1, -1, -1) >= 0 || errno != ENOSYS)
			newest = nr;
	say(true, "%ld", newest);
}

static int call_x32(void *with)
{
	(void)with;
	return syscall(SYS_getpid | 0x40000000) < 0 ? errno : 0;
}

static void x32(void)
{
	errno = in_child(call_x32, NULL);
	say_rc(errno ? -1 : 0);
}

static int call_int80(void *with)
{
	long rc = 20; /* getpid on i386 */

	(void)with;
	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
	return rc > 0 ? 0 : (int)-rc;
}

static void int80(void)
{
	const int rc = in_child(call_int80, NULL);

	say(rc == 0, "status %d", rc);
}

static void tiocsti(void)
{
	char legacy[32];
	int terminal, inner;

	get_line("/proc/sys/dev/tty/legacy_tiocsti", legacy, sizeof(legacy));
	if (openpty(&terminal, &inner, NULL, NULL, NULL) < 0)
		say(false, NULL);
	setsid();
	if (ioctl(inner, TIOCSCTTY, 0) < 0)
		say(false, NULL);
	const int rc = ioctl(inner, TIOCSTI, "x");
	say(rc == 0, "%s; sysctl legacy_tiocsti (6.2) %s",
	    rc == 0 ? "input can be injected" : strerrorname_np(errno), legacy);
}

static void pidfds(void)
{
	const int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char text[200];
	int rc;

	if (fd < 0)
		say(false, NULL);
	rc = (int)syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
	snprintf(text, sizeof(text), "send_signal %s", rc == 0 ? "yes" : strerrorname_np(errno));
	rc = (int)syscall(SYS_pidfd_getfd, fd, 0, 0);
	snprintf(text + strlen(text), 100, ", getfd (5.6) %s",
		 rc >= 0 ? "yes" : strerrorname_np(errno));
	rc = (int)syscall(SYS_pidfd_open, getpid(), 0200); /* PIDFD_THREAD */
	snprintf(text + strlen(text), 100, ", thread (6.9) %s",
		 rc >= 0 ? "yes" : strerrorname_np(errno));
	rc = ioctl(fd, _IOWR(0xFF, 11, char[64]), text + 100); /* PIDFD_GET_INFO */
	snprintf(text + strlen(text), 50, ", get_info (6.13) %s",
		 rc >= 0 ? "yes" : strerrorname_np(errno));
	say(true, "%s", text);
}

static void close_range_cloexec(void)
{
	say_rc(syscall(SYS_close_range, 100, ~0u, 4));
}

static void open_beneath(void)
{
	const struct open_how how = {.flags = O_PATH,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
						RESOLVE_NO_MAGICLINKS};

	say_rc(syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how)));
}

static void memfd_exec(void)
{
	char sysctl[32];

	get_line("/proc/sys/vm/memfd_noexec", sysctl, sizeof(sysctl));
	if (memfd_create("x", 8u) < 0) /* MFD_NOEXEC_SEAL */
		say(false, "%s; sysctl vm.memfd_noexec %s", strerrorname_np(errno), sysctl);
	say(true, "sysctl vm.memfd_noexec %s", sysctl);
}

static void memfd_hidden(void)
{
	say_rc(syscall(SYS_memfd_secret, 0));
}

static void keyring(void)
{
	say_rc(syscall(SYS_keyctl, 1, NULL)); /* KEYCTL_JOIN_SESSION_KEYRING, anonymous */
}

static void loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (!enter_userns(CLONE_NEWNET))
		say(false, NULL);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	say_rc(ioctl(fd, SIOCSIFFLAGS, &lo));
}

static int fork_under_limit(void *with)
{
	const struct rlimit limit = {5, 5};

	(void)with;
	if (!enter_userns(0) || setrlimit(RLIMIT_NPROC, &limit) < 0)
		return errno;
	for (int i = 0; i < 8; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			return i;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleep(5);
			_exit(0);
		}
	}
	return 100;
}

/* With ten processes of the same user outside: how many forks does a limit of 5 leave inside? */
static void nproc_per_userns(void)
{
	int rc;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 10; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleep(5);
			_exit(0);
		}
	}
	rc = in_child(fork_under_limit, NULL);
	say(rc > 0 && rc < 5,
	    "RLIMIT_NPROC 5 in a user namespace, ten processes outside: %d forks%s", rc,
	    rc == 100 ? " (not limited)" : "");
}

static void doors(void)
{
	static const struct {
		const char *name;
		long nr, arg[5];
	} calls[] = {
	    {"io_uring_setup", SYS_io_uring_setup, {1, 0}},
	    {"userfaultfd", SYS_userfaultfd, {0}},
	    {"bpf", SYS_bpf, {5, 0, 0}},
	    {"perf_event_open", SYS_perf_event_open, {0, 0, -1, -1, 0}},
	    {"AF_ALG", SYS_socket, {38, 5, 0}},
	    {"AF_VSOCK", SYS_socket, {40, 1, 0}},
	    {"AF_PACKET", SYS_socket, {17, 3, 0}},
	    {"AF_NETLINK", SYS_socket, {16, 3, 0}},
	    {"add_key", SYS_add_key, {(long)"user", (long)"facts", (long)"x", 1, -1}},
	    {"kexec_load", SYS_kexec_load, {0, 0, 0, 0}},
	    {"fanotify_init", SYS_fanotify_init, {0x200, 0}},
	    {"quotactl", SYS_quotactl, {0}},
	};
	char text[600] = "";

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const long *a = calls[i].arg;
		const long rc = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4]);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s, ", calls[i].name,
			 rc >= 0 ? "OPEN" : strerrorname_np(errno));
	}
	say(true, "%s", text);
}

static void sysctls(void)
{
	static const char *const names[] = {
	    "kernel/unprivileged_bpf_disabled",
	    "kernel/perf_event_paranoid",
	    "kernel/yama/ptrace_scope",
	    "kernel/kptr_restrict",
	    "kernel/dmesg_restrict",
	    "kernel/io_uring_disabled",
	    "kernel/core_pattern",
	    "fs/protected_hardlinks",
	    "fs/suid_dumpable",
	    "vm/unprivileged_userfaultfd",
	    "vm/overcommit_memory",
	    "kernel/apparmor_restrict_unprivileged_userns",
	};
	char text[900] = "", path[128], value[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s=%s ", names[i],
			 get_line(path, value, sizeof(value)));
	}
	say(true, "%s", text);
}

static void lsms(void)
{
	char line[200];

	get_line("/sys/kernel/security/lsm", line, sizeof(line));
	say(strstr(line, "landlock"), "%s", line);
}

const struct fact process_facts[] = {
    {"lsm_list", "", lsms},
    {"prctl_no_new_privs", "3.5", no_new_privs},
    {"prctl_mdwe", "6.3", mdwe},
    {"prctl_sched_core", "5.14", sched_core},
    {"prctl_speculation", "4.17", speculation},
    {"prctl_tsc", "2.6.26", tsc},
    {"prctl_thp_disable", "3.15", thp},
    {"prctl_user_dispatch", "5.11", user_dispatch},
    {"arch_cpuid_faulting", "4.12", cpuid_fault},
    {"arch_shadow_stack", "6.6", shadow_stack},
    {"newest_syscall", "", newest_syscall},
    {"x32_calls", "", x32},
    {"i386_int80", "", int80},
    {"tiocsti", "", tiocsti},
    {"pidfd_open", "5.3", pidfds},
    {"close_range_cloexec", "5.11", close_range_cloexec},
    {"openat2_beneath", "5.6", open_beneath},
    {"memfd_noexec_seal", "6.3", memfd_exec},
    {"memfd_secret", "5.14", memfd_hidden},
    {"own_session_keyring", "", keyring},
    {"loopback_up_in_userns", "", loopback},
    {"rlimit_nproc_per_userns", "5.14", nproc_per_userns},
    {"open_doors_for_this_user", "", doors},
    {"sysctls", "", sysctls},
    {0},
};
