/* ward's end of the monitor: starts a box by way of a keeper of its own, or of a resident ward-monitor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "monitor/monitor.h"

struct plan;

/* A box in flight, seen from ward. Every descriptor is close-on-exec and non-blocking for reading. */
struct box {
	int control_fd;         /* requests and answers; its end of file means the keeper is gone */
	int note_fd;            /* struct box_note packets, some with a descriptor */
	int keeper_pid;         /* of our own keeper, 0 with a resident monitor */
	bool resident;
	bool released;          /* MON_RELEASE was answered: nothing of the box is left */
};
#define BOX_NONE ((struct box){ .control_fd = -1, .note_fd = -1 })

/* For whoever will start many: what every keeper would look at by itself is looked at once. */
void mon_look(void);

/* Starts a keeper of our own, before there is a plan: what it can do without one it does meanwhile.
 *
 * MON_NETWORK  it makes a private network: worth it unless the plan is known to use none
 * MON_SWEPT    it need not look for cgroups that killed keepers left behind: the caller does, with cgroup_sweep()
 * MON_NEVER_FROZEN  MON_FREEZE will not be asked for, which costs a box of v1 another cgroup
 * network_fd   a private network with its loopback up, which a box that wants one gets instead of a new one; borrowed.
 *              -1: none. One that the keeper may not join is left alone
 * mon_close() ends it. Optional: mon_spawn() starts one when box is empty. */
enum { MON_NETWORK = 1, MON_SWEPT = 2, MON_NEVER_FROZEN = 4 };
MUST_USE int mon_start(struct box *box, unsigned flags, int network_fd, struct err *e);

/* Starts a box and returns once the keeper has accepted the plan; the program may not run yet.
 *
 * fds[n_fds]  the plan's descriptors, borrowed
 * monitor     socket of a resident monitor, NULL = a keeper of our own
 * box         empty, or what mon_start() filled; closed on failure
 * layers      host-side layers proven, filled on success
 * Errors: whatever the keeper says; ERR_SYSTEM */
MUST_USE int mon_spawn(const struct plan *plan, const int *fds, size_t n_fds, const char *monitor,
		       struct box *box, uint64_t *layers, struct err *e);

/* One request and its answer. */
MUST_USE int mon_ask(struct box *box, enum mon_op op, uint64_t arg, struct mon_res *res, struct err *e);

/* Reads one note; *fd is the descriptor that came with it or -1. Returns 1, 0 at the end of file, -1. */
MUST_USE int mon_read_note(const struct box *box, struct box_note *note, int *fd, struct err *e);

/* Closes the channels (which ends the box if it still runs) and waits for a keeper of our own; one that
 * has released its box is not waited for: it sweeps behind others, and is reaped by whoever outlives it. */
void mon_close(struct box *box);
