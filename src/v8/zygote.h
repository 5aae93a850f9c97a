/* The zygote: has guests when its owner says so, and tells how each ended. It never runs a tenant's code, reads no
 * byte of a guest's channel, and holds nothing that a guest could want. */
#pragma once

#include "base/err.h"
#include "v8/guest_job.h"

/* Lives until its owner closes the control channel; its guests die with it. Returns -1 when it could not begin, or
 * when its owner is not to be understood. */
MUST_USE int zygote_live(const struct guest_job *job, struct err *e);
