/* Runs one WebAssembly module with the WASI calls, in this process, which ends with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A directory of the box under the name it has for the guest. */
struct wasm_preopen {
	const char *path, *name;
	bool writes;
};

struct wasm_job {
	const char *module;             /* its path in the box */
	const char *const *argv;        /* of the guest; argv[0] is also what messages call the module */
	const char *const *envp;
	const struct wasm_preopen *preopens;
	size_t n_preopens;
	const int *passed;              /* descriptors the guest was given beside 0, 1, 2 */
	size_t n_passed;
	uint64_t memory_bytes;
};

#define WASM_MODULE_MAX ((size_t)256 << 20)

/* Ends the process as the guest does: with its exit code, with 126 when it is no module that can run, 127 when
 * it is not there, or by SIGABRT after a trap; one line on standard error says why.
 * Returns only when the process could not be sealed. */
MUST_USE int wasm_run(const struct wasm_job *job, struct err *e);
