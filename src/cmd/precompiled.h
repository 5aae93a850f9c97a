/* The file that `ward precompile` leaves and `ward run -b wasm` starts: a program, and behind it who made it. That says
 * what the file means and keeps out one that another ward made, whose WASI is another. It proves nothing: what it is
 * trusted with is what a module that broke its engine has, and its box holds that. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define PRECOMPILED_MOST ((size_t)64 << 20)     /* bytes of a program */

/* Writes the file in place of what has the name; one who runs the old one goes on with that. Readable and executable
 * by all, as far as the umask allows. */
MUST_USE int precompiled_write(const char *path, const void *program, size_t len, struct err *e);

/* Looks at a file that is to run under boundary wasm. What cannot be opened is no compiled module, and is left to
 * whoever opens it.
 *
 * is_one  false: something else, such as a module
 * Errors: ERR_USAGE: a program that is no compiled module, or one of another ward, with what to do */
MUST_USE int precompiled_look(const char *path, bool *is_one, struct err *e);
