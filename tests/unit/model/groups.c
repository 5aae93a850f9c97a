/* model/groups: no group hands out what is dangerous, and every group fits into a program. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "model/filter.h"
#include "model/syscalls.h"

static void every_group_says_what_it_is_for(void **state)
{
	static const char *const wanted[] = {
		"@startup", "@memory", "@stdio", "@file-read", "@file-write", "@file-meta",
		"@threads", "@process", "@signals", "@time", "@time-read", "@poll", "@pipe",
		"@events", "@ipc-unix", "@net-client", "@net-server", "@sysv-ipc", "@info",
		"@sched-self", "@tty", "@ioctl-safe", "@default", "@strict", "@build",
	};
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_non_null(syscalls_group(wanted[i], &n));
	for (size_t i = 0; syscalls_group_at(i); i++) {
		assert_non_null(syscalls_group(syscalls_group_at(i), &n));
		assert_true(n > 0);
		assert_true(strlen(syscalls_group_summary(syscalls_group_at(i))) > 10);
	}
}

/* Every critical and high entry of the danger data that is a whole call. */
static const char *const dangerous[] = {
	"unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open",
	"pidfd_getfd", "userfaultfd", "swapon", "swapoff", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "name_to_handle_at", "open_by_handle_at", "chroot", "pivot_root",
	"umount2", "mount", "mount_setattr", "move_mount", "open_tree", "open_tree_attr", "fsopen",
	"fsconfig", "fsmount", "fspick", "keyctl", "add_key", "request_key", "bpf",
	"perf_event_open", "init_module", "finit_module", "delete_module", "create_module",
	"kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm", "clone3", "openat2",
	/* and of the medium ones those a group has no business with */
	"setuid", "setgid", "setreuid", "setregid", "setfsuid", "setfsgid", "setgroups",
	"capset", "acct", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"syslog", "fanotify_init", "fanotify_mark", "memfd_secret", "migrate_pages", "move_pages",
	"process_madvise", "process_mrelease", "kcmp", "modify_ldt", "vmsplice", "splice", "tee",
	"remap_file_pages", "mincore", "cachestat", "sethostname", "setdomainname", "vhangup",
	"quotactl", "quotactl_fd", "statmount", "listmount", "listns", "lsm_set_self_attr",
	"sched_setattr", "setxattrat", "uselib", "lookup_dcookie",
};

/* Arguments that are dangerous; every other argument is tried as 0 and as all ones. */
static const struct { const char *name; unsigned arg; uint64_t value; } limited[] = {
	{ "clone", 0, CLONE_NEWUSER | 17 },   { "clone", 0, CLONE_NEWNS | 17 },
	{ "clone", 0, CLONE_NEWPID | 17 },    { "clone", 0, CLONE_NEWNET | 17 },
	{ "clone", 0, CLONE_NEWIPC | 17 },    { "clone", 0, CLONE_NEWUTS | 17 },
	{ "clone", 0, CLONE_NEWCGROUP | 17 }, { "clone", 0, CLONE_NEWUSER | 0x3d0f00 },
	{ "clone", 0, UINT64_C(1) << 32 | CLONE_NEWUSER }, { "clone", 0, CLONE_UNTRACED },
	{ "ioctl", 1, TIOCSTI },              { "ioctl", 1, TIOCLINUX },
	{ "ioctl", 1, TIOCSETD },             { "ioctl", 1, TIOCCONS },
	{ "ioctl", 1, UINT64_C(1) << 32 | TIOCSTI }, { "ioctl", 1, FIOASYNC },
	{ "ioctl", 1, 0xaa00 },               { "ioctl", 1, 0xae01 },
	{ "socket", 0, AF_ALG },              { "socket", 0, AF_NETLINK },
	{ "socket", 0, AF_PACKET },           { "socket", 0, AF_VSOCK },
	{ "socket", 0, AF_KEY },              { "socket", 0, AF_XDP },
	{ "socket", 0, AF_TIPC },             { "socket", 0, AF_RDS },
	{ "socket", 0, AF_BLUETOOTH },        { "socket", 0, AF_CAN },
	{ "socket", 0, UINT64_C(1) << 32 | AF_ALG }, { "socket", 1, SOCK_RAW },
	{ "socket", 1, SOCK_PACKET },         { "socket", 2, 262 },
	{ "socketpair", 0, AF_TIPC },         { "setsockopt", 2, SO_ATTACH_FILTER },
	{ "setsockopt", 2, SO_ATTACH_BPF },   { "setsockopt", 2, 64 },
	{ "setsockopt", 2, SO_BINDTODEVICE }, { "execveat", 4, AT_EMPTY_PATH },
	{ "chmod", 1, 04755 },                { "fchmod", 1, 02755 },
	{ "fchmodat", 2, 06755 },             { "fchmodat2", 2, 0x14755 },
	{ "shmat", 2, 0100000 },              { "memfd_create", 1, 1 },
	{ "memfd_create", 1, 0x18 },          { "madvise", 2, 12 },
	{ "prctl", 0, 35 },                   { "prctl", 0, 26 },
	{ "prctl", 0, 0x59616d61 },           { "prctl", 0, 24 },
	{ "prctl", 0, 28 },                   { "prctl", 0, 53 },
	{ "prctl", 0, 59 },                   { "prctl", 0, 62 },
	{ "personality", 0, 0x0400000 },      { "personality", 0, 0x0040000 },
	{ "futex", 1, 6 },                    { "futex", 1, 0x8c },
	{ "sched_setscheduler", 1, 1 },       { "sched_setscheduler", 1, 2 },
	{ "sched_setscheduler", 0, 7 },       { "prlimit64", 0, 7 },
	{ "pipe2", 1, O_EXCL },               { "seccomp", 1, 8 },
	{ "mknod", 1, 0060644 },              { "mknodat", 2, 0020644 },
	{ "renameat2", 4, 4 },                { "sendto", 3, MSG_OOB },
	{ "setresuid", 0, 0 },                { "setresuid", 2, 0 },
	{ "setresgid", 0, 0 },                { "setresgid", 2, 0 },
};

static void with_every_group(struct filter_set *set, size_t i)
{
	struct err e = ERR_INIT;

	assert_int_equal(filter_add_name(set, syscalls_group_at(i), 1, &e), 0);
}

static bool is_allowed(const struct filter_set *set, const char *name, const uint64_t args[6])
{
	const enum filter_act act =
		filter_judge(set, (uint32_t)syscalls_number(name), args, NULL);

	return act == FILTER_ALLOW || act == FILTER_LOG;
}

static void no_group_hands_out_a_dangerous_call(void **state)
{
	(void)state;
	for (size_t group = 0; syscalls_group_at(group); group++) {
		OWN(filter_set) set = FILTER_SET_NONE;

		with_every_group(&set, group);
		for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++)
			for (unsigned bit = 0; bit <= 64; bit++) {
				uint64_t args[6];

				for (size_t arg = 0; arg < 6; arg++)
					args[arg] = bit < 64 ? UINT64_C(1) << bit : 0;
				if (is_allowed(&set, dangerous[i], args))
					fail_msg("%s allows %s", syscalls_group_at(group),
						 dangerous[i]);
			}
	}
}

static void no_group_hands_out_a_dangerous_argument(void **state)
{
	(void)state;
	for (size_t group = 0; syscalls_group_at(group); group++) {
		OWN(filter_set) set = FILTER_SET_NONE;

		with_every_group(&set, group);
		for (size_t i = 0; i < ARRAY_SIZE(limited); i++)
			for (unsigned rest = 0; rest < 32; rest++) {
				uint64_t args[6];

				for (unsigned arg = 0; arg < 6; arg++)
					args[arg] = rest >> arg & 1 ? UINT64_MAX : rest & 16;
				args[limited[i].arg] = limited[i].value;
				if (is_allowed(&set, limited[i].name, args))
					fail_msg("%s allows %s, argument %u %#llx",
						 syscalls_group_at(group), limited[i].name,
						 limited[i].arg,
						 (unsigned long long)limited[i].value);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_group_says_what_it_is_for),
		cmocka_unit_test(no_group_hands_out_a_dangerous_call),
		cmocka_unit_test(no_group_hands_out_a_dangerous_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
