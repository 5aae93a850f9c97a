/* What the command line of a module's process asks for. ward wrote it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A directory of the box under the name it has for the guest. */
struct wasm_preopen {
	const char *path, *name;
	bool writes;
};

struct wasm_job {
	const char *engine;             /* what messages call the process */
	const char *module;             /* its path in the box; "-": the program is made of it, and there is none */
	const char *const *argv;        /* of the guest; argv[0] is also what messages call the module */
	const char *const *envp;
	const struct wasm_preopen *preopens;
	size_t n_preopens;
	const int *passed;              /* descriptors the guest was given beside 0, 1, 2 */
	size_t n_passed;
	uint64_t memory_bytes;
};

/* Reads: wasm [--memory=BYTES] [--read=PATH:NAME]... [--write=PATH:NAME]... [--pass=FD]... [--] MODULE NAME [ARG]...
 * Cuts the words where they have two parts; out points into them and into memory that stays. false: not so. */
bool job_read(int argc, char **argv, struct wasm_job *out);
