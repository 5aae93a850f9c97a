/* A part of a command in a process of its own: a run leaves whoever watched it without rights, and what
 * comes after it may need some. */
#pragma once

#include "base/err.h"

/* Forks, has the child do the work and waits. Signals that were meant for us alone are passed on; what a
 * terminal sends reaches both. Should we die, the child is asked to end.
 *
 * work  returns the exit code of the child, 0 to 255
 * Returns that code
 * Errors: ERR_SYSTEM, also when the child was killed */
MUST_USE int apart_run(int (*work)(void *at), void *at, struct err *e);
