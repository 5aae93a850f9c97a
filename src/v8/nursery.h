/* What a process that is going to have guests made ready, once: an engine, warm, and its seals. */
#pragma once

#include <stdbool.h>

#include "isolate/control.h"
#include "v8/guest_seal.h"

struct js;
struct wasm_preopen;

/* How the engine is started and what it closes, from the words of ward-v8's command line. */
struct nursery_setup {
	bool has_modules;               /* its guests are WebAssembly modules, and not scripts */
	bool jit, eval, wasm, shared_memory;    /* of scripts */
	const struct wasm_preopen *preopens;    /* of modules: what each of them is given */
	size_t n_preopens;
	bool lasts;                     /* it has guests all its life, and so is worth some milliseconds and memory */
	const char *module;             /* a file that is compiled once for all of them; NULL: each is sent its own */
};

struct nursery {
	struct js *js;                  /* NULL: its guests are modules */
	struct guest_seal seal;
};

/* Warms the engine and seals this process, which has guests from here on and does nothing else. */
MUST_USE int nursery_open(struct nursery *nursery, const struct nursery_setup *setup, struct err *e);

/* Forks a guest that talks on channel_fd, which is borrowed. Nothing of the tenant's is read before the guest is
 * sealed. Returns its pid, or -1.
 *
 * serves  it may be told to fork for each request; only where every process of the box is the same tenant's, and only
 *         for scripts */
MUST_USE int nursery_fork(const struct nursery *nursery, const struct isolate_limits *limits, bool serves, int channel_fd,
			  struct err *e);
