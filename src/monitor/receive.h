/* Taking a plan from a client: one MON_SPAWN packet, then its descriptors. Nothing is allocated. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "model/plan.h"
#include "monitor/monitor.h"

struct received {
	const struct plan *plan;        /* mapped from a sealed memfd: what is verified cannot change */
	int fds[PLAN_FDS], note_fd;
	size_t n_fds;
};

/* Reads the packets of one start. Errors: ERR_DENIED for anything that is not exactly that */
MUST_USE int receive_plan(int client_fd, struct received *in, struct err *e);

/* Gives up the plan and the descriptors, once the box has them. */
void receive_close(struct received *in);

/* One descriptor over a socket pair, both ways; -1 when the other end has gone. */
int receive_fd(int from);
MUST_USE int receive_send_fd(int to, int fd);
