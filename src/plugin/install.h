/* Makes a program of a module, in a box of its own. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "wasm/sections.h"

struct install {
	const char *ward;       /* path of the program */
	const char *runtime;    /* and of what the module is linked with: libward-module.a, libward-wasi.a */
	const char *instead;    /* what runs a module that wasm2c does not know: "--engine v8" */
};

/* The module is one that says nothing but what was admitted: each name that it imports becomes one of C. What comes out was
 * made by tools that have read hostile bytes: it is to be run in a box of its own, and nowhere else.
 *
 * out  the program's bytes, allocated
 * Errors: ERR_UNSUPPORTED: the module is none that wasm2c knows, or a tool is missing; ERR_LIMIT; ERR_SYSTEM */
MUST_USE int install_make(const struct install *how, const uint8_t *module, size_t module_len, const struct wasm_module *says,
			  char **out, size_t *len, struct err *e);
