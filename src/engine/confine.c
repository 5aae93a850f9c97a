/* Self-confinement of the front. Refuses to go on with rights the kernel would not take. */
#include "engine/confine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/join.h"
#include "engine/peek.h"

#define NOBODY 65534

/* What the front still calls, by number. With values: argument `arg` must be one of them (its low
 * 32 bits: these are int arguments). */
#define VALUES 10
#define OURSELVES UINT32_MAX    /* our own pid: filled in */
#define ANY 0, 0, { 0 }
#define ONLY(arg, n, ...) arg, n, { __VA_ARGS__ }
struct allowed {
	uint16_t nr;
	uint8_t arg, n_values;
	uint32_t values[VALUES];
};
static const struct allowed table[] = {
	{ SYS_read, ANY },              /* streams */
	{ SYS_write, ANY },
	{ SYS_close, ANY },
	{ SYS_fstat, ANY },             /* stdio */
	{ SYS_poll, ANY },
	{ SYS_lseek, ANY },             /* stdio */
	{ SYS_mmap, ONLY(2, 2, PROT_READ, PROT_READ | PROT_WRITE) },    /* malloc */
	{ SYS_munmap, ANY },
	{ SYS_brk, ANY },
	{ SYS_rt_sigaction, ANY },      /* signals.c putting things back */
	{ SYS_rt_sigprocmask, ANY },
	{ SYS_ioctl, ONLY(1, 9, SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, TCGETS, TCSETS,
			  TCSETSW, TCSETSF, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP) },
	{ SYS_mremap, ANY },
	{ SYS_getpid, ANY },            /* stopping ourselves on Ctrl-Z */
	{ SYS_sendto, ANY },            /* keeper, box, sockets as streams */
	{ SYS_recvfrom, ANY },
	{ SYS_recvmsg, ANY },
	{ SYS_shutdown, ANY },          /* a keeper that does not answer */
	{ SYS_wait4, ANY },             /* the keeper */
	{ SYS_kill, ONLY(0, 1, OURSELVES) },
	{ SYS_getpgrp, ANY },           /* is our terminal still ours? */
	{ SYS_futex, ANY },             /* stdio */
	{ SYS_restart_syscall, ANY },
	{ SYS_clock_gettime, ANY },     /* where the vDSO has no clock */
	{ SYS_exit_group, ANY },
	{ SYS_newfstatat, ONLY(3, 1, AT_EMPTY_PATH) },  /* fstat() of glibc 2.33 and later */
	{ SYS_ppoll, ANY },
	{ SYS_splice, ANY },
};

/* For one that watches a box as well: instead of the row of that number, or beside them. It opens what it
 * reads in one way only, and writes to nobody. */
static const struct allowed watching[] = {
	{ SYS_ioctl, ONLY(1, 10, SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, TCGETS, TCSETS,
			  TCSETSW, TCSETSF, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP,
			  SECCOMP_IOCTL_NOTIF_ID_VALID) },
	{ SYS_newfstatat, ANY },
	{ SYS_openat, ONLY(2, 1, PEEK_OPEN) },
	{ SYS_readlinkat, ANY },
	{ SYS_pread64, ANY },
	{ SYS_process_vm_readv, ANY },
};
/* For one whose box takes guests from others (isolates.c): orders with a descriptor beside them. */
static const struct allowed owning[] = {
	{ SYS_sendmsg, ANY },
	{ SYS_epoll_ctl, ANY },
};
struct more {
	const struct allowed *rows;
	size_t n;
};
#define ROWS_MAX (ARRAY_SIZE(table) + ARRAY_SIZE(watching))

/* A row takes VALUES + 2 instructions at most, a fork of the tree one; the start 4, the end 2. */
#define PROGRAM_MAX (ROWS_MAX * (VALUES + 3) + 6)
#define LEAF 4
_Static_assert(PROGRAM_MAX <= CONFINE_PROGRAM_MAX, "room for whoever asks");

/* Jumps to the two returns at the end, which has no place yet. */
enum { TO_ALLOW = 254, TO_KILL };

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
};

static void add(struct program *program, uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
	program->code[program->n++] = (struct sock_filter){ code, (uint8_t)yes, (uint8_t)no, k };
}

static void add_row(struct program *program, const struct allowed *row, bool is_last, uint32_t self)
{
	const unsigned n = row->n_values, no = is_last ? TO_KILL : 0;
	const size_t arg = offsetof(struct seccomp_data, args) + row->arg * sizeof(uint64_t);

	if (!n) {
		add(program, BPF_JMP | BPF_JEQ | BPF_K, row->nr, TO_ALLOW, no);
		return;
	}
	add(program, BPF_JMP | BPF_JEQ | BPF_K, row->nr, 0, is_last ? TO_KILL : n + 1);
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)arg, 0, 0);
	for (unsigned i = 0; i < n; i++)
		add(program, BPF_JMP | BPF_JEQ | BPF_K,
		    row->values[i] == OURSELVES ? self : row->values[i], TO_ALLOW,
		    i + 1 < n ? 0 : TO_KILL);
}

/* A tree, not for the calls but for the kernel: when the filter is installed it runs it once for
 * each number there is, to remember those that are always allowed. A list costs twice as much as
 * all of the rest of confine_self() then. */
static void add_rows(struct program *program, const struct allowed *rows, size_t from, size_t to, uint32_t self)
{
	const size_t middle = (from + to) / 2;
	const unsigned short fork = program->n;

	if (to - from > LEAF) {
		add(program, BPF_JMP | BPF_JGE | BPF_K, rows[middle].nr, 0, 0);
		add_rows(program, rows, from, middle, self);
		program->code[fork].jt = (uint8_t)(program->n - fork - 1);
		add_rows(program, rows, middle, to, self);
		return;
	}
	for (size_t i = from; i < to; i++)
		add_row(program, &rows[i], i + 1 == to, self);
}

static void add_end(struct program *program)
{
	const unsigned n = program->n;

	assert(n < TO_ALLOW);
	for (unsigned i = 0; i < n; i++) {
		struct sock_filter *const at = &program->code[i];

		if (at->jt >= TO_ALLOW)
			at->jt = (uint8_t)(n - i - 1 + (at->jt == TO_KILL));
		if (at->jf >= TO_ALLOW)
			at->jf = (uint8_t)(n - i - 1 + (at->jf == TO_KILL));
	}
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	add(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

static int by_number(const void *a, const void *b)
{
	const struct allowed *const x = a, *const y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

/* In order of number: the tree is cut along it. */
static size_t choose_rows(const struct more *more, struct allowed *rows)
{
	size_t n = ARRAY_SIZE(table);

	memcpy(rows, table, sizeof(table));
	for (size_t i = 0; i < more->n; i++) {
		size_t k = 0;

		while (k < n && rows[k].nr != more->rows[i].nr)
			k++;
		rows[k] = more->rows[i];
		n += k == n;
	}
	qsort(rows, n, sizeof(*rows), by_number);
	return n;
}

static void make_program(struct more more, uint32_t self, struct program *program)
{
	struct allowed rows[ROWS_MAX];
	const size_t n = choose_rows(&more, rows);

	add(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, TO_KILL);
	add(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	add_rows(program, rows, 0, n, self);
	add_end(program);
}

static int enter_filter(struct more more, struct err *e)
{
	struct program program = { .n = 0 };
	struct sock_fprog given;

	make_program(more, (uint32_t)getpid(), &program);
	given = (struct sock_fprog){ program.n, program.code };
	if (!SANITIZED && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &given) < 0)
		return err_sys(e, "ward's own filter");
	return 0;
}

size_t confine_program(bool is_owner, uint32_t self, struct sock_filter out[CONFINE_PROGRAM_MAX])
{
	const struct more more = { owning, is_owner ? ARRAY_SIZE(owning) : 0 };
	struct program program = { .n = 0 };

	make_program(more, self, &program);
	memcpy(out, program.code, program.n * sizeof(*out));
	return program.n;
}

/* Every right this kernel's Landlock knows is handled and none granted. The struct grew with the
 * ABI, and an older kernel takes a longer one only if the rest is zero. */
static struct landlock_rights {
	uint64_t files, ports, scopes;
} all_rights(long abi)
{
	static const struct {
		long abi;
		struct landlock_rights adds;
	} rows[] = {
		{ 1, { (1 << 13) - 1, 0, 0 } },         /* execute .. make_sym */
		{ 2, { 1 << 13, 0, 0 } },               /* refer */
		{ 3, { 1 << 14, 0, 0 } },               /* truncate */
		{ 4, { 0, 3, 0 } },                     /* bind and connect TCP */
		{ 5, { 1 << 15, 0, 0 } },               /* ioctl on devices */
		{ 6, { 0, 0, 3 } },                     /* abstract UNIX sockets, signals */
	};
	struct landlock_rights all = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows) && rows[i].abi <= abi; i++) {
		all.files |= rows[i].adds.files;
		all.ports |= rows[i].adds.ports;
		all.scopes |= rows[i].adds.scopes;
	}
	return all;
}

static int enter_landlock(struct err *e)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
				 LANDLOCK_CREATE_RULESET_VERSION);
	const struct landlock_rights rights = all_rights(abi);
	OWN_FD int rules_fd = -1;

	if (abi < 1)
		return 0;
	rules_fd = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof(rights), 0);
	if (rules_fd < 0 || syscall(SYS_landlock_restrict_self, rules_fd, 0) < 0)
		return err_sys(e, "ward's own Landlock rules");
	return 0;
}

static int drop_rights(struct err *e)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	/* EINVAL: a namespace without that id; EPERM: a root that may not change identity. Neither
	 * has more than its capabilities, which go next. */
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0) &&
	    errno != EINVAL && errno != EPERM)
		return err_sys(e, "ward's own identity");
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(e, "ward's own capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_NO_NEW_PRIVS");
	return 0;
}

int confine_self(struct err *e)
{
	return drop_rights(e) < 0 || enter_landlock(e) < 0 || enter_filter((struct more){ NULL, 0 }, e) < 0 ? -1 : 0;
}

int confine_owner(struct err *e)
{
	const struct more more = { owning, ARRAY_SIZE(owning) };

	return drop_rights(e) < 0 || enter_landlock(e) < 0 || enter_filter(more, e) < 0 ? -1 : 0;
}

/* Without Landlock: who is in a domain reads the memory of nobody outside it. */
int confine_watcher(int proc_fd, int tid, struct err *e)
{
	const struct more more = { watching, ARRAY_SIZE(watching) };

	return join_box(proc_fd, tid, e) < 0 || enter_filter(more, e) < 0 ? -1 : 0;
}
