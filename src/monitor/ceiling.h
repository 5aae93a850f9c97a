/* Root's limits on what users may ask of a resident monitor. */
#pragma once

#include "base/err.h"
#include "model/plan.h"

/* Reads "key = value" lines: memory_max, swap_max, io_max (bytes, K M G T), pids_max, cpus_max
 * (thousandths), boxes_max, boxes_per_user, cgroup_required, layers_required (yes or no); '#' begins
 * a comment. Read once, before the first request; at most 4 KiB.
 * path  NULL: what is built in
 * Errors: one line, "file:line: cause"; ERR_DENIED when others than root may write the file */
MUST_USE int ceiling_read(const char *path, struct ceiling *out, struct err *e);
