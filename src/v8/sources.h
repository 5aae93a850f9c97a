/* The sources of one guest, read before anything is sealed: a script, and by their names the modules that it imports
 * from what was granted. Their bytes are carried, not looked into but for imports. */
#pragma once

#include "base/err.h"
#include "isolate/channel.h"
#include "v8/guest_job.h"

/* Appends a frame for each. Returns 0, or -1 with e: ERR_MISSING when the script is not there, else what is wrong with
 * it or with a module, with the fix. */
MUST_USE int sources_read(const struct guest_job *job, struct guest_writer *out, struct err *e);
