/* The policies of the boxes that plug-ins live and are made in, as text for `ward run -p -`. */
#pragma once

#include "base/str.h"
#include "plugin/manifest.h"

/* The worker's box. With an engine in it, boundary wasm; of a compiled plug-in, a container with one program, whose
 * process has no right to make memory executable.
 *
 * compiled  path of the program; NULL: there is an engine
 * Errors: ERR_UNSUPPORTED for a path that a policy cannot name */
MUST_USE int box_of_worker(const struct manifest *manifest, const char *compiled, struct str *out, struct err *e);

/* Where the box has the program of a compiled plug-in. */
#define BOX_PROGRAM "/ward/plugin"

/* Where a module is compiled: the host's programs and libraries to read, a directory in memory, no network. */
void box_of_compiler(struct str *out);
