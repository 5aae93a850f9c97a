/* A guest: the process that runs one tenant's JavaScript, from its fork to its end. */
#pragma once

#include <stdbool.h>

#include "isolate/control.h"
#include "v8/guest_seal.h"
#include "v8/js.h"

/* What a process that is going to have guests made ready, once: V8, its isolate, its seals. */
struct nursery {
	struct js *js;
	struct guest_seal seal;
};

/* How the engine is started and what it closes, from the words of ward-v8's command line. */
struct nursery_setup {
	bool jit, eval, wasm, shared_memory;
};

/* Warms the engine and seals this process, which has guests from here on and does nothing else. */
MUST_USE int nursery_open(struct nursery *nursery, const struct nursery_setup *setup, struct err *e);

/* Forks a guest that talks on channel_fd, which is borrowed. Nothing of the tenant's is read before the guest is
 * sealed. Returns its pid, or -1.
 *
 * serves  it may be told to fork for each request; only where every process of the box is the same tenant's */
MUST_USE int nursery_fork(const struct nursery *nursery, const struct isolate_limits *limits, bool serves, int channel_fd,
			  struct err *e);
