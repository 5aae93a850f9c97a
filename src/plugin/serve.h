/* The worker's life: take the host's terms, start an engine, be sealed, load the module, answer calls. Knows the
 * seam and no engine. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Serves calls on a socket until the host closes it, and does not come back but with an error from before.
 *
 * seal  gives up all that the engine does not need any more; called before the first byte of the module is looked
 *       at. random: the plug-in has chance granted */
MUST_USE int serve_calls(int fd, int (*seal)(bool random, struct err *e), struct err *e);
