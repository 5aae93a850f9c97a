/* The sending end of a start, to a keeper of our own or to a resident monitor. */
#pragma once

#include "base/err.h"
#include "monitor/client.h"

MUST_USE int mon_connect(const char *path, struct box *box, struct err *e);

/* Sends the plan sealed in a memfd, the box's end of the note channel and the plan's descriptors over the
 * control channel. The answer is read by the caller. */
MUST_USE int mon_send_plan(const struct plan *plan, const int *fds, size_t n_fds, const struct box *box,
			   int note_fd, struct err *e);
