/* libcurl, its resolver's threads and OpenSSL make too many calls for a short table of what is allowed; what is here is
 * a table of what a program that was taken over would want, and everything that is not a file, a socket, memory or time
 * is in it. */
#include "herald/jail.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "model/filter.h"

#define PROGRAM_MAX 2048
#define FILES_MAX   128
#define MEMORY_MAX  ((uint64_t)1 << 30)

static const uint16_t refused[] = {
	SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
	SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_mount, SYS_umount2,
	SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
	SYS_request_key, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_kexec_load, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_memfd_secret, SYS_shmget, SYS_semget,
	SYS_msgget, SYS_mq_open, SYS_personality, SYS_setuid, SYS_setgid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_fsopen,
	SYS_open_tree, SYS_move_mount, SYS_mknod, SYS_mknodat, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat,
};

static void refuse(struct filter_set *set, uint16_t nr, int sys)
{
	filter_add(set, &(struct filter_row){ .nr = nr, .act = FILTER_ERRNO, .sys = (uint16_t)sys, .quiet = true });
}

/* Threads of its own, but no process; sockets of TCP, UDP and this machine's own kind alone. */
static void add_bounded(struct filter_set *set)
{
	static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6 };
	const struct filter_row threads = { .nr = SYS_clone, .act = FILTER_ALLOW, .n_tests = 1,
					    .tests = { { 0, FILTER_EQ, CLONE_THREAD, CLONE_THREAD } } };

	filter_add(set, &threads);
	refuse(set, SYS_clone3, ENOSYS); /* its flags lie in memory; libc then uses clone() */
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		filter_add(set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_ALLOW, .n_tests = 1,
						      .tests = { { 0, FILTER_EQ, UINT32_MAX, families[i] } } });
}

static int enter_filter(struct err *e)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[PROGRAM_MAX];
	size_t n;

	for (uint16_t nr = 0; nr < 463; nr++) {
		bool is_refused = nr == SYS_clone || nr == SYS_clone3 || nr == SYS_socket;

		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			is_refused |= refused[i] == nr;
		if (!is_refused)
			filter_add(&set, &(struct filter_row){ .nr = nr, .act = FILTER_ALLOW });
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		refuse(&set, refused[i], EPERM);
	add_bounded(&set);
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return -1;
	if (SANITIZED) /* its runtime makes calls of its own */
		return 0;
	return seccomp_enter(program, n, SECCOMP_ALONE, e);
}

static int enter_landlock(struct err *e)
{
	static const char *const readable[] = {
		"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl",
		"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/usr/lib", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates", "/lib", "/lib64", "/run/systemd/resolve", "/dev/urandom", "/dev/null",
	};
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const int abi = landlock_abi();
	/* All rights over files that this kernel knows, connect is left open, bind is not. */
	const uint64_t files = abi >= 5 ? (1 << 16) - 1 : abi >= 3 ? (1 << 15) - 1 : abi == 2 ? (1 << 14) - 1 : (1 << 13) - 1;
	int rules;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no Landlock: boot with lsm=landlock,...");
	rules = landlock_new(files, abi >= 4 ? 1 : 0, abi >= 6 ? 3 : 0, e);
	if (rules < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(readable); i++)
		if (landlock_add_path(rules, readable[i], false, read, e) < 0)
			return -1;
	return landlock_enter(rules, e);
}

int jail_enter(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	if (drop_own_caps(0, e) < 0 || drop_new_privs(e) < 0 || drop_rlimit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX, e) < 0 ||
	    (!SANITIZED && drop_rlimit(RLIMIT_AS, MEMORY_MAX, MEMORY_MAX, e) < 0) || drop_dumps(e) < 0 || drop_speculation(false, e) < 0 ||
	    enter_landlock(e) < 0)
		return -1;
	return enter_filter(e);
}
