/* Sending a plan to a resident monitor. */
#pragma once

#include "base/err.h"
#include "monitor/client.h"

/* Connects to the monitor, sends the plan sealed in a memfd, the box's end of the note channel and the
 * plan's descriptors. The answer is read by the caller. */
MUST_USE int mon_send_plan(const struct plan *plan, const int *fds, size_t n_fds, const char *path,
			   struct box *box, int note_fd, struct err *e);
