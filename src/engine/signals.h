/* Signals to ward, read from a descriptor instead of interrupting anything. */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"

struct signals {
	int fd;                 /* readable when one is there */
	sigset_t saved_mask;
	struct sigaction saved_pipe;
	bool blocked, pipe_ignored;
};
#define SIGNALS_NONE ((struct signals){ .fd = -1 })

/* Blocks the signals the engine answers: TERM INT HUP QUIT USR1 USR2 TSTP, and WINCH with a
 * terminal of the box's own. One that ward's caller had set to be ignored (nohup, a shell's "&") is
 * left ignored. Also blocks TTIN and TTOU, so that reading or writing our terminal from the
 * background fails instead of stopping ward and with it the clocks.
 *
 * The mask is inherited: whoever becomes the program has to set its own.
 * Syscalls: rt_sigaction rt_sigprocmask signalfd4 */
MUST_USE int signals_open(struct signals *out, bool with_winch, struct err *e);

/* A closed standard output is an errno, not an end. Separate, and to be called once the keeper
 * exists: what is ignored stays ignored across exec, so the box must not inherit it. */
void signals_ignore_pipe(struct signals *signals);

/* The next signal, 0 when there is none. */
int signals_next(const struct signals *signals);

/* Puts everything back. Accepts SIGNALS_NONE. */
void signals_close(struct signals *signals);
