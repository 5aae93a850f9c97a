/* A module without names: what a compiler that writes other text is given, so that no byte of a name gets there. */
#pragma once

#include "base/str.h"
#include "wasm/sections.h"

/* Copies a module that sections_read() has read as `says`, without custom sections, and with the exports of functions
 * alone, as "e0", "e1", ... by their number there, and of the memory "memory". Imports keep their names. */
MUST_USE int bare_write(const uint8_t *bytes, size_t len, const struct wasm_module *says, struct str *out, struct err *e);

/* The export that is the module's memory for its host; NULL when there is none. */
const struct wasm_export *bare_memory(const struct wasm_module *says);
