/* The floor under every policy: a fixed list, compiled by the same compiler, independent of any policy. */
#include "boundary/floor.h"

#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "model/syscalls.h"

/* Each undoes a boundary or opens a large part of the kernel for which a boxed program has no use. */
static const uint16_t forbidden[] = {
	/* the kernel itself */
	SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_quotactl_fd, SYS_iopl, SYS_ioperm, SYS_syslog,
	SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname,
	SYS_vhangup, SYS_nfsservctl, SYS_uselib, SYS_lookup_dcookie, SYS__sysctl, SYS_create_module,
	/* mounts and namespaces */
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree, 467 /* open_tree_attr */, SYS_fsopen,
	SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_setns, SYS_unshare, 457 /* statmount */, 458 /* listmount */,
	/* other processes */
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp,
	SYS_migrate_pages, SYS_move_pages,
	/* programmable or shared kernel machinery with a record of break-outs */
	SYS_bpf, SYS_perf_event_open, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_userfaultfd,
	SYS_keyctl, SYS_add_key, SYS_request_key, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_fanotify_init,
	SYS_fanotify_mark, SYS_vmsplice, SYS_modify_ldt, SYS_memfd_secret, 451 /* cachestat */,
};

#define IN_ALL UINT64_MAX

/* Calls judged by an argument: the first row that applies decides. */
static const struct {
	uint16_t nr;
	uint8_t act, arg, op;
	uint64_t mask, value;
} judged[] = {
	{ SYS_socket, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 1 },    /* AF_UNIX */
	{ SYS_socket, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 2 },    /* AF_INET */
	{ SYS_socket, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 10 },   /* AF_INET6 */
	{ SYS_socket, FILTER_NOTIFY, 0, FILTER_LE, IN_ALL, UINT32_MAX },
	{ SYS_socketpair, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 1 },
	{ SYS_socketpair, FILTER_NOTIFY, 0, FILTER_LE, IN_ALL, UINT32_MAX },
	{ SYS_personality, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 0 },
	{ SYS_personality, FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, UINT32_MAX },     /* only asks */
	{ SYS_personality, FILTER_NOTIFY, 0, FILTER_LE, IN_ALL, UINT32_MAX },
	{ SYS_clone, FILTER_NOTIFY, 0, FILTER_NE, FILTER_NAMESPACES, 0 },
	{ SYS_ioctl, FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x5412 },       /* TIOCSTI */
	{ SYS_ioctl, FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x541c },       /* TIOCLINUX */
	{ SYS_ioctl, FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x541d },       /* TIOCCONS */
	{ SYS_ioctl, FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x5423 },       /* TIOCSETD */
};

int floor_call_at(size_t i)
{
	return i < ARRAY_SIZE(forbidden) ? forbidden[i] : -1;
}

static void add_forbidden(struct filter_set *set, uint16_t nr)
{
	const struct filter_row row = { .nr = nr, .act = FILTER_NOTIFY, .sys = ENOSYS, .origin = "floor" };

	filter_add(set, &row);
}

static void add_judged(struct filter_set *set, size_t i)
{
	const struct filter_row row = {
		.nr = judged[i].nr, .act = judged[i].act, .n_tests = 1, .sys = ENOSYS, .origin = "floor",
		.tests = { { judged[i].arg, judged[i].op, judged[i].mask, judged[i].value } },
	};

	filter_add(set, &row);
}

static bool leaves_out(const struct jail *jail, uint16_t nr)
{
	for (size_t i = 0; jail && i < jail->n_calls; i++)
		if (jail->calls[i] == nr)
			return true;
	return false;
}

static void add_all(const struct jail *jail, struct filter_set *out)
{
	filter_set_done(out);
	out->otherwise = FILTER_ALLOW;
	out->report = true;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (!leaves_out(jail, forbidden[i]))
			add_forbidden(out, forbidden[i]);
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++)
		if (!leaves_out(jail, judged[i].nr))
			add_judged(out, i);
	add_forbidden(out, SYS_clone3); /* its flags lie in memory, out of a filter's sight */
}

void floor_rows(struct filter_set *out)
{
	add_all(NULL, out);
}

bool floor_allows(uint32_t nr, const uint64_t args[6])
{
	OWN(filter_set) set = FILTER_SET_NONE;
	const struct filter_row *row;

	floor_rows(&set);
	return filter_judge(&set, nr, args, &row) == FILTER_ALLOW;
}

int floor_add(struct plan *plan, const struct jail *jail, struct err *e)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	NO_INIT struct sock_filter program[1024];
	size_t n = 0;

	add_all(jail, &set);
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return err_add(e, "the floor");
	plan_add_bytes(plan, OP_FLOOR, program, n * sizeof(*program), (struct plan_args){ .n = n });
	return 0;
}

const char *floor_conflict(const struct filter_set *set, const struct jail *jail)
{
	bool is_forbidden[512] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		is_forbidden[forbidden[i]] = !leaves_out(jail, forbidden[i]);
	for (size_t i = 0; i < set->n_rows; i++) {
		const struct filter_row *row = &set->rows[i];

		if ((row->act == FILTER_ALLOW || row->act == FILTER_LOG) && row->nr < ARRAY_SIZE(is_forbidden) &&
		    is_forbidden[row->nr])
			return syscalls_name(row->nr);
	}
	return NULL;
}
