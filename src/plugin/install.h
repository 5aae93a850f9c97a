/* Makes a program of a plug-in's module, in a box of its own. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "plugin/load.h"

struct install {
	const char *ward;       /* path of the program */
	const char *runtime;    /* and of libward-module.a */
};

/* The module is one that admit_module() admits. What comes out was made by tools that have read hostile bytes: it is to
 * be run in a box of box_of_worker(), and nowhere else.
 *
 * out  the program's bytes, allocated
 * Errors: ERR_UNSUPPORTED: the module is none that wasm2c knows, or a tool is missing; ERR_LIMIT; ERR_SYSTEM */
MUST_USE int install_make(const struct install *how, const struct load *load, char **out, size_t *len, struct err *e);
