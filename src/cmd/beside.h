/* Where ward's other programs are. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

/* Next to ward itself, as in the build directory, or where it is installed.
 *
 * out  in the arena
 * Errors: ERR_MISSING, naming where it was looked for */
MUST_USE int beside_find(const char *name, struct arena *arena, const char **out, struct err *e);

/* The same for what is no program. */
MUST_USE int beside_find_file(const char *name, struct arena *arena, const char **out, struct err *e);
