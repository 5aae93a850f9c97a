/* From what is known at the end to a verdict. Pure.
 *
 * The first cause wins, in this order:
 *   1. it never started: setup (exit 125), or exec (126, 127)
 *   2. something of ours broke: internal
 *   3. ward stopped it: the limit reached, or the refused call, also when the program used its
 *      grace to exit with 0. When ward was asked to end: signal, unless the program then ended
 *      by itself; that is told as it is
 *   4. more processor time than limits.cpu, also when it ended by itself meanwhile: limit.cpu
 *   5. the first process died without a word: limit.memory when the kernel killed for memory, else
 *      internal. Never success
 *   6. SIGSYS: denied.syscall; SIGXCPU: limit.cpu; SIGXFSZ: limit.disk; SIGSTKFLT, which no kernel sends and ward-v8
 *      ends by when a guest was refused memory: limit.memory
 *   7. it failed (a signal, or not 0) after the kernel had killed something in it for memory:
 *      limit.memory; after it had been refused a process: limit.pids
 *   8. gVisor failed, and not the program: internal
 *   9. how it ended: signal, nonzero, ok
 * So a fork bomb that runs into the wall limit is limit.wall, and pids_refused says the rest; and a
 * program that copes with a refused process or a killed child and exits with 0 is ok. */
#pragma once

#include <stdbool.h>

#include "model/policy.h"
#include "model/result.h"

struct ending {
	bool started, ended;    /* BOX_STARTED came; BOX_ENDED came */
	int status;             /* of wait(2), when ended */
	enum verdict stop;      /* why ward stopped it; VERDICT_OK: it did not */
	bool killed;            /* by ward, with SIGKILL to everything */
	bool broken;            /* result->err tells what of ours failed */
	bool in_gvisor;         /* what ended is ward-runsc: see GVISOR_FAILED */
};

/* Fills verdict, exit_code, signal, killed and err; everything else in *result is already there. */
void ending_judge(const struct ending *ending, const struct policy *policy, struct result *result);
