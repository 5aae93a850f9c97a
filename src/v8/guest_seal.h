/* What a zygote gives up once, and each of its guests before it reads its first byte. The guest's filter is short
 * because it stands on the zygote's: together they leave the GUEST rows of model/guest_calls.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "isolate/control.h"

struct wasm_preopen;

/* What its guests will need, from which the zygote's own seal follows. */
struct guest_seal_setup {
	bool may_execute;       /* machine code is made */
	bool has_modules;       /* its guests are WebAssembly modules: the calls of WASI, and these directories */
	const struct wasm_preopen *preopens;
	size_t n_preopens;
};

/* What the zygote found out before, so that a guest has less to do. */
struct guest_seal {
	int rules_fd;           /* a Landlock domain without any right but the preopens', -1: the kernel has none */
	uint64_t data_bytes;    /* what RLIMIT_DATA counts of a guest that has done nothing */
	bool has_modules;
};
#define GUEST_SEAL_NONE ((struct guest_seal){ .rules_fd = -1 })

/* In the zygote, when everything is warm: no file is opened any more (ENOENT) but below preopens, no program executed,
 * no memory shared and, unless may_execute, none made executable. Any other call kills. */
MUST_USE int guest_seal_zygote(struct guest_seal *seal, const struct guest_seal_setup *setup, struct err *e);

/* In the zygote, when nothing more is made ready: what RLIMIT_DATA counts of it, which no guest is charged for. */
MUST_USE int guest_seal_measure(struct guest_seal *seal, struct err *e);

/* Forks, in the one way that the zygote's filter and that of a guest which serves let pass. Returns as fork(2) does.
 *
 * sibling  the fork is a child of this process's parent */
MUST_USE int guest_seal_fork(bool sibling);

/* In a guest that is just forked: it dies with `parent`, has limits and a domain. */
MUST_USE int guest_seal_birth(const struct guest_seal *seal, int parent, uint64_t memory_bytes, struct err *e);

/* No descriptor but these n, which are sorted in place. */
MUST_USE int guest_seal_keep(int *fds, size_t n, struct err *e);

/* The clocks of a guest that serves rest between requests, whose forks have their own. */
void guest_seal_rest(const struct isolate_limits *limits);

/* Which calls a guest keeps. */
enum guest_calls {
	GUEST_CALLS_SCRIPT,
	GUEST_CALLS_SERVES,     /* besides, what a fork for each request takes */
	GUEST_CALLS_MODULE,     /* besides a script's, those of WASI */
	GUEST_CALLS
};

/* In a guest that has to wait for its work, as much as can be done before that: the clock of processor time, which rests
 * while it waits, and the end of its calls but for those that the rest takes. */
MUST_USE int guest_seal_wait(const struct isolate_limits *limits, enum guest_calls keeps, struct err *e);

/* Its clocks start, its calls end, and with them its way to tell its zygote anything (note.h).
 *
 * has_waited  guest_seal_wait() was called */
MUST_USE int guest_seal_close(const struct isolate_limits *limits, enum guest_calls keeps, bool has_waited, struct err *e);
