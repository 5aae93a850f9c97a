/* One tenant's script in a box of its own: this process owns its guests, and ends as they do. */
#pragma once

#include "v8/guest_job.h"

/* Ends the process: 0 when all went well, 1 after an error that the script did not catch, 125 when nothing could run,
 * 126 when it is no script, 127 when it is not there; by SIGXCPU or SIGSTKFLT at the limit of processor time or memory,
 * else by the signal that ended the guest. One line on standard error says why. */
_Noreturn void script_run(const struct guest_job *job);
