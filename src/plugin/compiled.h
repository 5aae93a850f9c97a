/* The programs that were made of plug-ins' modules: a directory of the caller's, a file for each module, named after the
 * module, the compiler and this ward. A file that anybody else could have written is not run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sha256.h"

#define COMPILED_MOST ((size_t)64 << 20)        /* bytes of a program */

/* The file's name. */
void compiled_name(const struct digest *module, char out[SHA256_TEXT]);

/* Looks for the program of a module.
 *
 * out  its path, in the arena; NULL: there is none
 * Errors: ERR_DENIED: it is there and is not to be trusted, with the reason; ERR_SYSTEM */
MUST_USE int compiled_find(const char *folder, const struct digest *module, struct arena *arena, const char **out,
			   struct err *e);

/* Keeps a program, in place of an older one of the same name; makes the directory when it is not there.
 *
 * Errors: ERR_DENIED: others can write to the directory; ERR_SYSTEM */
MUST_USE int compiled_keep(const char *folder, const struct digest *module, const void *bytes, size_t len, struct err *e);

/* Takes the program of a module away. Returns 1 when there was one, else 0. */
MUST_USE int compiled_remove(const char *folder, const struct digest *module, struct err *e);
