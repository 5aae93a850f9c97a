/* Runs one WebAssembly module with the WASI calls, in this process, which ends with it: by V8, or by an engine that was
 * made of this one module. */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct wasm_job;

#define WASM_MODULE_MAX ((size_t)256 << 20)

/* Ends the process as the guest does: with its exit code, with 126 when it is no module that can run, 127 when
 * it is not there, or by SIGABRT after a trap; one line on standard error says why.
 * Returns only when the process could not be sealed. */
MUST_USE int run_module(const struct wasm_job *job, struct err *e);

/* Before it, in a process that has time: starts the engine, whose modules may then have all the memory there is. */
MUST_USE int run_warm(struct err *e);
