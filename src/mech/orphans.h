/* Ending processes that have become this process's children, where no PID namespace does it. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Sends a signal to every child there is now. */
void orphans_signal(int number);

/* Kills children, and theirs as they become ours, until none is left; at most wait_ms.
 * The caller must be a child subreaper: prctl(2). */
MUST_USE int orphans_kill(unsigned wait_ms, struct err *e);
