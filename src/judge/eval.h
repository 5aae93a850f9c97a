/* What a seccomp filter answers, for every call at once: symbolic execution of classic BPF. All analysis
 * commands ask here, so they cannot disagree with each other; tests hold it against an interpreter and
 * the kernel. Pure. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "judge/region.h"
#include "model/subject.h"

/* The kernel's actions, strictest first: of several filters the first in this order wins
 * (kernel/seccomp.c, seccomp_run_filters()). An unknown action is KILL_PROCESS to the kernel. */
enum answer {
	ANSWER_KILL_PROCESS,
	ANSWER_KILL_THREAD,
	ANSWER_TRAP,
	ANSWER_ERRNO,
	ANSWER_NOTIFY,
	ANSWER_TRACE,
	ANSWER_LOG,
	ANSWER_ALLOW,
	ANSWERS
};

/* "kill-process", "errno", "allow", ... */
const char *answer_name(enum answer answer);
/* Appends the same with its errno: "errno ENOSYS", "errno 4095". */
void answer_write(enum answer answer, uint16_t data, struct str *out);
/* Of the word a filter returned. */
enum answer answer_of(uint32_t returned);

/* For each action the calls that get it; every point is in exactly one. */
struct answers {
	struct region of[ANSWERS];
	struct region data[16]; /* where bit i of SECCOMP_RET_DATA (an errno, mostly) is set */
	struct region action[16];       /* the same for the half above it, which decides who wins */
};
#define ANSWERS_NONE ((struct answers){ .of = { { 0 } } })

/* One program.
 *
 * Errors: ERR_USAGE when the kernel would refuse it (filter_check()), ERR_LIMIT when the store's budget
 * does not hold the answer: analysis incomplete, never "clean" */
MUST_USE int eval_program(struct regions *store, const struct sock_filter *program, size_t n,
			  struct answers *out, struct err *e);

/* All filters of a subject as the kernel stacks them; none at all allows everything. */
MUST_USE int eval_subject(struct regions *store, const struct subject *subject,
			  struct answers *out, struct err *e);

/* Adds `newer` on top of `stack`: of both actions the stricter one, of equals the newer. */
void eval_stack(struct regions *store, struct answers *stack, const struct answers *newer);

/* What is not refused: LOG and ALLOW, and TRACE and NOTIFY too, whose answer is up to another process,
 * when `with_supervisor`. */
struct region eval_passes(struct regions *store, const struct answers *answers, bool with_supervisor);

/* The action for one point and, when data is not NULL, its SECCOMP_RET_DATA. */
enum answer eval_at(const struct regions *store, const struct answers *answers,
		    const struct seccomp_data *point, uint16_t *data);
