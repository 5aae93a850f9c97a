/* The floor under every policy: a fixed list, compiled by the same compiler, independent of any policy. */
#include "boundary/floor.h"

#include <errno.h>
#include <linux/filter.h>
#include <sched.h>

#include "base/mem.h"
#include "model/syscalls.h"

/* Each undoes a boundary or opens a large part of the kernel for which a boxed program has no use. */
static const char *const forbidden[] = {
	/* the kernel itself */
	"kexec_load", "kexec_file_load", "reboot", "init_module", "finit_module", "delete_module",
	"swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "iopl", "ioperm", "syslog",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
	"vhangup", "nfsservctl", "uselib", "lookup_dcookie", "_sysctl", "create_module",
	/* mounts and namespaces */
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr", "fsopen",
	"fsconfig", "fsmount", "fspick", "mount_setattr", "setns", "unshare", "statmount", "listmount",
	/* other processes */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
	"migrate_pages", "move_pages",
	/* programmable or shared kernel machinery with a record of break-outs */
	"bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
	"keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at", "fanotify_init",
	"fanotify_mark", "vmsplice", "modify_ldt", "memfd_secret",
};

#define IN_ALL UINT64_MAX
#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Calls judged by an argument: the first row that applies decides. */
static const struct {
	const char *call;
	uint8_t act, arg, op;
	uint64_t mask, value;
} judged[] = {
	{ "socket", FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 1 },    /* AF_UNIX */
	{ "socket", FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 2 },    /* AF_INET */
	{ "socket", FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 10 },   /* AF_INET6 */
	{ "socket", FILTER_NOTIFY, 0, FILTER_LE, IN_ALL, UINT32_MAX },
	{ "socketpair", FILTER_ALLOW, 0, FILTER_EQ, IN_ALL, 1 },
	{ "socketpair", FILTER_NOTIFY, 0, FILTER_LE, IN_ALL, UINT32_MAX },
	{ "clone", FILTER_NOTIFY, 0, FILTER_NE, NEW_NAMESPACES, 0 },
	{ "ioctl", FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x5412 },       /* TIOCSTI */
	{ "ioctl", FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x541c },       /* TIOCLINUX */
	{ "ioctl", FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x541d },       /* TIOCCONS */
	{ "ioctl", FILTER_NOTIFY, 1, FILTER_EQ, IN_ALL, 0x5423 },       /* TIOCSETD */
};

const char *floor_call_at(size_t i)
{
	return i < ARRAY_SIZE(forbidden) ? forbidden[i] : NULL;
}

static void add_forbidden(struct filter_set *set, const char *call)
{
	const int nr = syscalls_number(call);
	const struct filter_row row = { .nr = (uint32_t)nr, .act = FILTER_NOTIFY, .sys = ENOSYS, .origin = "floor" };

	if (nr >= 0)
		filter_add(set, &row);
}

static void add_judged(struct filter_set *set, size_t i)
{
	const struct filter_row row = {
		.nr = (uint32_t)syscalls_number(judged[i].call), .act = judged[i].act, .n_tests = 1,
		.sys = ENOSYS, .origin = "floor",
		.tests = { { judged[i].arg, judged[i].op, judged[i].mask, judged[i].value } },
	};

	filter_add(set, &row);
}

int floor_add(struct plan *plan, struct err *e)
{
	OWN(filter_set) set = { .otherwise = FILTER_ALLOW, .report = true };
	const struct filter_row clone3 = { .nr = 435, .act = FILTER_NOTIFY, .sys = ENOSYS, .origin = "floor" };
	struct sock_filter program[1024];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		add_forbidden(&set, forbidden[i]);
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++)
		add_judged(&set, i);
	filter_add(&set, &clone3); /* its flags lie in memory, out of a filter's sight */
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return err_add(e, "the floor");
	plan_add_bytes(plan, OP_FLOOR, program, n * sizeof(*program), (struct plan_args){ .n = n });
	return 0;
}

const char *floor_conflict(const struct filter_set *set)
{
	for (size_t i = 0; i < set->n_rows; i++) {
		const char *const name = syscalls_name(set->rows[i].nr);

		if (set->rows[i].act != FILTER_ALLOW && set->rows[i].act != FILTER_LOG)
			continue;
		for (size_t k = 0; name && k < ARRAY_SIZE(forbidden); k++)
			if (set->rows[i].nr == (uint32_t)syscalls_number(forbidden[k]))
				return name;
	}
	return NULL;
}
