/* libcurl, its resolver's threads and OpenSSL make too many calls for a short table of what is allowed; what is here is
 * a table of what a program that was taken over would want, and everything that is not a file, a socket, memory or time
 * is in it. */
#include "herald/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "model/filter_alone.h"

static const uint16_t refused[] = {
	SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
	SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_mount, SYS_umount2,
	SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
	SYS_request_key, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_kexec_load, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_memfd_secret, SYS_shmget, SYS_semget,
	SYS_msgget, SYS_mq_open, SYS_personality, SYS_setuid, SYS_setgid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_fsopen,
	SYS_open_tree, SYS_move_mount, SYS_mknod, SYS_mknodat, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_tkill,
	SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
};
static const uint16_t bounded[] = { SYS_clone, SYS_clone3, SYS_kill, SYS_tgkill, SYS_socket };

/* Sockets of TCP, UDP and this machine's own kind alone. */
static void add_sockets(struct filter_set *set)
{
	static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		filter_add(set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_ALLOW, .n_tests = 1,
						      .tests = { { 0, FILTER_EQ, UINT32_MAX, families[i] } } });
}

static bool is_among(uint16_t nr, const uint16_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

void herald_filter(struct filter_set *set, uint32_t self)
{
	for (uint16_t nr = 0; nr < 463; nr++) {
		const bool is_refused = is_among(nr, refused, ARRAY_SIZE(refused));

		if (!is_among(nr, bounded, ARRAY_SIZE(bounded)))
			filter_add(set, &(struct filter_row){ .nr = nr, .act = is_refused ? FILTER_ERRNO : FILTER_ALLOW,
							      .sys = is_refused ? EPERM : 0, .quiet = is_refused });
	}
	add_sockets(set);
	filter_add_alone(set, self);
}

const char *herald_readable(size_t i)
{
	static const char *const readable[] = {
		"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl",
		"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/usr/lib", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates", "/lib", "/lib64", "/run/systemd/resolve", "/dev/urandom", "/dev/null",
	};

	return i < ARRAY_SIZE(readable) ? readable[i] : NULL;
}
