/* What the engine's process gives up before it looks at the first byte of a guest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct wasm_preopen;

/* From here on: the calls of model/engine_calls.def, any other kills; and of all paths those beneath preopens[n],
 * where the kernel has Landlock. */
MUST_USE int seal_enter(const struct wasm_preopen *preopens, size_t n, struct err *e);

/* The Landlock rights of a module beneath a directory, of all that linux/landlock.h knows: never to execute. */
uint64_t seal_rights(bool writes);
