/* The C text between a module that wasm2c has translated and the runtime of src/aot. */
#pragma once

#include "base/str.h"
#include "wasm/sections.h"

/* For a module that was admitted, translated from what bare_write() made of it under the name "m". No byte of the
 * module is in the text but as an octal escape, and the names of imports that the manifest knows as well.
 */
void glue_write(const struct wasm_module *says, struct str *out);
