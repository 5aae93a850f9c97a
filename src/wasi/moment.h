/* The guest's clocks, exact: for waiting. What the guest is told is rounded. */
#pragma once

#include "wasi/abi.h"
#include "wasi/wasi.h"

/* Nanoseconds of an enum wasi_clock, the monotonic one from the guest's start; false: no such clock. */
bool moment_now(const struct wasi *w, uint32_t clock, uint64_t *ns);
