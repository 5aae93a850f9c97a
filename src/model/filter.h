/* System call rules, and their two readings: a classic BPF program for the kernel, and a verdict
 * for people. Both come from the same rows, so a report cannot disagree with the filter. Pure. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum filter_act {
	FILTER_ALLOW,
	FILTER_LOG,     /* let it happen, and record it */
	FILTER_NOTIFY,  /* ask ward, which records it and answers with the errno of the row */
	FILTER_ERRNO,   /* fail with the errno of the row */
	FILTER_KILL,    /* end the process with SIGSYS */
	FILTER_ACTS
};

/* One comparison: (argument & mask) OP value, on the argument's true width.
 * A 32-bit argument is masked to 32 bits before anything else: the kernel truncates it too. */
enum filter_op { FILTER_EQ, FILTER_NE, FILTER_LE, FILTER_GT };
struct filter_test {
	uint8_t arg;            /* 0..5 */
	uint8_t op;             /* enum filter_op, unsigned comparison */
	uint64_t mask, value;   /* mask all ones: the plain argument */
};
/* Flags of clone(2) that make a namespace; sched.h has them. CLONE_NEWTIME is not among them: it lies in the exit signal. */
#define FILTER_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* For one call, rows are tried in the order they were added, those marked `fallback` after the
 * others and of these the ones without tests last; a row applies when all its tests hold; when none
 * applies, `otherwise` of the set does. */
#define FILTER_TESTS 3    /* no rule in use needs more; every row of a set pays for them */
struct filter_row {
	uint32_t nr;            /* x86-64 number */
	uint8_t act, n_tests;
	bool quiet;             /* expected refusals (clone3 -> ENOSYS): never reported, answered in
	                         * the filter */
	bool fallback;          /* tried after the call's rows without it: a group's refusal never
	                         * hides what a later name or rule allows */
	uint16_t sys;           /* errno for FILTER_ERRNO and FILTER_NOTIFY */
	uint32_t line;          /* of the policy, 0 = a group or built in */
	const char *origin;     /* "@process", "policy"; borrowed: static, or the policy's */
	struct filter_test tests[FILTER_TESTS];
};

struct filter_set {
	struct filter_row *rows;
	size_t n_rows, cap_rows;
	const struct filter_set *rest;  /* whose rows come behind these; borrowed, NULL = none */
	uint8_t otherwise;      /* enum filter_act for calls without an applying row */
	uint16_t otherwise_sys; /* ENOSYS unless the policy says otherwise */
	bool report;            /* non-quiet refusals go to ward (SECCOMP_RET_USER_NOTIF), which then refuses */
	bool tells;             /* so do calls that make a socket: they go on then; where what no row speaks of is refused */
};
#define FILTER_SET_NONE ((struct filter_set){ .otherwise = FILTER_KILL })

/* Frees the rows. Accepts the empty set. */
void filter_set_done(struct filter_set *set);

/* Adds a row, or all rows of another set, as copies. Rows may come in any order of nr. */
void filter_add(struct filter_set *set, const struct filter_row *row);
void filter_add_set(struct filter_set *set, const struct filter_set *from);

/* All rows of a set in their order, those of its rest behind its own. */
size_t filter_count(const struct filter_set *set);
const struct filter_row *filter_row_at(const struct filter_set *set, size_t i);

/* Adds what a name stands for: "@group" or one call ("openat"), with action allow.
 *
 * line  of the policy, kept in the rows
 * Errors: ERR_USAGE for an unknown name, with the nearest known one */
MUST_USE int filter_add_name(struct filter_set *set, const char *name, uint32_t line, struct err *e);

/* Turns a set into a program that ends in one of the kernel's actions.
 *
 * The program checks the architecture first (anything but AUDIT_ARCH_X86_64 and the x32 range are
 * killed), finds the number by a balanced binary tree weighted so that hot calls come early, and
 * then tests rows in order. 32-bit arguments compare their low word only; 64-bit ones both words.
 * out[cap]  filled with *n_out instructions; BPF_MAXINSNS is the kernel's limit
 * Errors: ERR_LIMIT when the program is longer than cap or the kernel's 4096
 * Source: seccomp(2); jumps are 8 bits (linux/filter.h), long ones need a BPF_JA */
MUST_USE int filter_build(const struct filter_set *set, struct sock_filter *out, size_t cap,
			  size_t *n_out, struct err *e);

/* Makes of a policy's rows and the floor's one program that answers what the kernel answers of the two
 * stacked, where nobody listens: what would be told to ward is refused with its errno, or with ENOSYS
 * when the floor alone refuses. For tools that take one filter and know no listener.
 *
 * Errors: those of filter_build() */
MUST_USE int filter_stack(const struct filter_set *policy, const struct filter_set *floor,
			  struct sock_filter *out, size_t cap, size_t *n_out, struct err *e);

/* What the set says of one concrete call, and which row says so (NULL = otherwise). */
enum filter_act filter_judge(const struct filter_set *set, uint32_t nr, const uint64_t args[6],
			     const struct filter_row **row);

/* Whether the call is let through for some values of the arguments whose bit is not in `known`; args of
 * the others are not looked at. */
bool filter_may_allow(const struct filter_set *set, uint32_t nr, const uint64_t args[6], unsigned known);

/* The errno a refused call fails with: what the filter answers itself, and what ward answers when
 * it is asked. row as filter_judge() gave it, NULL = otherwise. Never 0: that would be success. */
uint16_t filter_errno(const struct filter_set *set, const struct filter_row *row);

/* True when the program can ask ward (SECCOMP_RET_USER_NOTIF), and so needs a listener. */
bool filter_notifies(const struct sock_filter *program, size_t n);

/* Runs a program the way the kernel would. Returns the SECCOMP_RET_* word, or
 * SECCOMP_RET_KILL_PROCESS with *valid = false for a program the kernel would have rejected (jump
 * out of range, load out of seccomp_data, no return, unknown instruction). Bounded: BPF has no
 * loops. Looks only at what it executes; filter_check() looks at all of it. */
uint32_t filter_run(const struct sock_filter *program, size_t n, const struct seccomp_data *data, bool *valid);

/* True when the kernel would accept the program (seccomp_check_filter + bpf_check_classic). */
MUST_USE int filter_check(const struct sock_filter *program, size_t n, struct err *e);
