/* A WebAssembly module between the engine and WASI: what it may import, and what its calls come down to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wasi/wasi.h"
#include "wasm/engine.h"

/* Clocks finer than this serve side channels more than programs. */
#define MODULE_CLOCK_GRAIN_NS 1000000

struct module {
	struct wasi wasi;
	void (*exited)(uint32_t code);  /* by proc_exit(): does not come back */
};

/* The 46 calls. Borrowed for the life of the engine. */
struct engine_host module_host(struct module *module);

/* Runs a module of ward's own, so that what the next one will touch has been touched; the table of WASI is set up.
 * module_touch: once more, while no other module is loaded. False with why. */
bool module_warm(struct module *module, struct engine *engine, struct engine_why *why);
bool module_touch(struct engine *engine, struct engine_why *why);

/* The rights of what stands for 0, 1 and 2. */
uint32_t module_stream_rights(int number);
