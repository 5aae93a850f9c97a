/* Walks a verified plan: the host's side in the keeper, then the box's side in the box's first
 * process, then the program's side in the process that becomes it. Nothing is allocated.
 *
 *   keeper ──clone3──► first process ──clone──► program
 *     │ id maps, cgroup   │ mounts, pivot          │ rlimits, caps, Landlock, seccomp, exec
 *     │ waits, cleans up  │ reaps, forwards        │
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mech/cgroup.h"
#include "model/plan.h"

/* A started box as its keeper holds it. */
struct held {
	int pid, pid_fd;        /* of the first process */
	int uid;                /* the box's own uid outside, 0 = it has none of its own */
	bool pid_namespace;     /* killing the first process kills all */
	struct cgroup cgroup;
	uint64_t layers;        /* of the host's side, read back */
};
#define HELD_NONE ((struct held){ .pid = -1, .pid_fd = -1, .cgroup = CGROUP_NONE })

/* What a keeper has done before it knew the plan. All zero: nothing. */
struct early {
	bool born;              /* it sits in the box's cgroup already (a slot of the resident monitor), whose
				 * limits are set and whose removal is somebody else's */
	bool has_net;           /* it is in a private network namespace, its loopback up, which the box will share */
	int host_net_fd;        /* the way back */
	bool is_never_frozen;   /* nobody will ask for that */
};

/* Looks once which namespaces we are in: every box's are compared with them. Whoever clones many keepers looks for
 * them all; who does not need not call it. */
void apply_look(void);

/* Makes a private network namespace: the slowest part of a start, and one that needs no plan. Does
 * nothing where the caller may not. */
void apply_early(struct early *early);

/* Starts a box.
 *
 * plan     verified; borrowed
 * fds      the plan's descriptors; the walker may replace them by others
 * note_fd  the box's end of the note channel
 * out      filled on success; on failure everything done so far is undone */
MUST_USE int apply_start(const struct plan *plan, int *fds, int note_fd, const struct early *early,
			 struct held *out, struct err *e);

/* Sets a plan's limits on a group, and reads them back.
 *
 * more_pids  processes in the group that are not the box's
 * layers     the bits of what was set are added */
MUST_USE int apply_limits(const struct plan *plan, const struct cgroup *cgroup, uint64_t more_pids,
			  uint64_t *layers, struct err *e);
