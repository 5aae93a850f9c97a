/* This host as the boundaries see it: probed facts, and whether a resident monitor answers. */
#pragma once

#include "base/err.h"
#include "model/host.h"

#define HOST_MONITOR_SOCKET "/run/ward/monitor.sock"

/* Fills *out from mech/probe, also on failure, and looks for a monitor. tasks is left 0.
 *
 * monitor  socket of a resident monitor, "none" for none, NULL = the usual one, used when it
 *          answers and this user cannot set cgroup limits alone
 * socket   the monitor to use, borrowed; NULL = a keeper of our own
 * Errors: ERR_MISSING when a monitor was named and does not answer */
MUST_USE int host_look(const char *monitor, struct host *out, const char **socket, struct err *e);

/* Fills host->tasks: the tasks of this user that RLIMIT_NPROC would count along with the box's.
 * Walks /proc: only a box without cgroup and without user namespace should pay for it. */
void host_count_tasks(struct host *host);

/* Finds gVisor's runsc and what starts it: runsc and runsc_jailer, or runsc_why with cause and fix. Never by PATH. */
void host_find_runsc(struct host *host);

/* Finds the engine of boundaries that have one: engine, or engine_why with cause and fix. */
void host_find_engine(struct host *host);
