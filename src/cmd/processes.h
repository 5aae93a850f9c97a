/* What stands below one process of ours, as /proc tells it. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/* Waits until a descendant (or the process itself) has this name, as in /proc/PID/comm.
 *
 * Errors: ERR_SYSTEM when the process ends first, or after ten seconds */
MUST_USE int processes_wait_for(int pid, const char *name, struct err *e);

/* Proportional set size of a process and all its descendants, in bytes; 0 when one of them may not be
 * looked at. Source: proc(5), /proc/PID/smaps_rollup */
uint64_t processes_memory(int pid);
