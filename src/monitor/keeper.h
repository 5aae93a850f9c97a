/* A keeper: one process that starts one box, holds it, answers requests about it, and leaves nothing
 * of it behind, whatever happens to ward. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "monitor/apply.h"
#include "monitor/monitor.h"

struct keeper {
	int control_fd;
	struct held held;
	bool born;              /* we sit in the box's cgroup ourselves, which another will remove */
	bool is_swept;          /* whoever owns us looks after cgroups that others left behind */
	bool ended, released;   /* the first process was waited for; nothing is left at all */
	struct cgroup_usage usage;     /* the last known, filled for good by keeper_release() */
	bool timed;             /* what the first process took is known */
	uint64_t user_us, system_us;
};

/* Answers one request about a box that runs. MON_SPAWN and MON_FDS are not for here.
 * Returns -1 when the request was malformed: a compromise to end, not an error to report. */
MUST_USE int keeper_answer(struct keeper *keeper, const struct mon_req *req, struct mon_res *res);

/* Kills what is left, waits for it, reads the counters a last time, removes the cgroup. */
MUST_USE int keeper_release(struct keeper *keeper, struct err *e);

/* Reads one request; 1, 0 at the end of file or for anything that is not exactly one, -1 never. */
int keeper_read(int control_fd, struct mon_req *req);

/* False when the client cannot be reached. */
bool keeper_write(int control_fd, const struct mon_res *res);

/* A keeper's whole life behind a start: confines itself and serves until the channel closes. */
_Noreturn void keeper_live(struct keeper *keeper);

/* The part every keeper begins with: a session of its own, signals that must not end it. */
void keeper_begin(void);

/* Waits for a request; false when the client closes the channel instead. */
bool keeper_awaits(int control_fd);

/* Where the box has no PID namespace, its orphans come to this process. Before apply_start(). */
MUST_USE int keeper_adopt(const struct plan *plan, struct err *e);
