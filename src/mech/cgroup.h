/* Limits and counters of a whole box by control groups: v1, v2 and hybrid hosts behind one face.
 * Knows nothing of plans; never touches a group it did not make. Every file is opened beneath a
 * descriptor of the group's own directory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cgroup_limit {
	CGROUP_MEMORY, CGROUP_SWAP, CGROUP_PIDS, CGROUP_CPUS /* thousandths of a processor */,
	CGROUP_IO_READ, CGROUP_IO_WRITE /* bytes a second and block device */,
	CGROUP_CPU_TIME /* nothing to set: processor time must be countable */,
	CGROUP_LIMITS
};
#define CGROUP_BIT(limit) (1u << (limit))
/* Beside limits: cgroup_freeze() will not be asked for, so that v1 needs no directory in the freezer's tree. */
#define CGROUP_NEVER_FROZEN CGROUP_BIT(31)
/* Beside limits: cgroup_usage() tells also what the group holds now, which is nothing when the box has ended. */
#define CGROUP_NOW CGROUP_BIT(30)

#define CGROUP_DIRS 6
/* A group counts as abandoned when its last descriptor is closed: each is locked (flock) as long as
 * it, or a copy of it in another process, is open. */
struct cgroup {
	bool v2;
	size_t n_dirs;
	struct { int parent_fd, fd; uint32_t limits; } dirs[CGROUP_DIRS];  /* v1: one for each controller; v2: one */
	char name[48];          /* "ward-<keeper pid>-<seconds since boot>" */
};
#define CGROUP_NONE ((struct cgroup){ .n_dirs = 0 })

/* Counters of a group so far, and what it holds now. A keeper sends it as it is. */
struct cgroup_usage {
	uint64_t cpu_us, user_us, system_us;
	uint64_t memory_bytes, memory_peak_bytes, pids, pids_peak, read_bytes, write_bytes;
	uint64_t oom_kills, pids_refused;       /* times a limit bit */
	uint32_t have, zero;                    /* USAGE_*: which of the above were really read */
};
enum { USAGE_CPU = 1, USAGE_MEMORY = 2, USAGE_PIDS = 4, USAGE_IO = 8, USAGE_OOM = 16, USAGE_REFUSED = 32,
       USAGE_MEMORY_NOW = 64, USAGE_PIDS_NOW = 128 };

/* Makes the directories needed for `limits` (CGROUP_BIT set), nested under the caller's own group so
 * that the caller's limits go on to hold (v2: under the nearest ancestor whose controllers can be used).
 * Errors: ERR_UNSUPPORTED or ERR_SYSTEM with cause and fix; nothing is left behind */
MUST_USE int cgroup_create(struct cgroup *out, uint32_t limits, struct err *e);

/* Writes a limit and reads it back; the kernel rounds memory to pages. */
MUST_USE int cgroup_set(const struct cgroup *cgroup, enum cgroup_limit limit, uint64_t value, struct err *e);

/* One system call: whether groups will be v2 ones. */
bool cgroup_is_v2(void);

/* v2: the directory for CLONE_INTO_CGROUP; -1 on v1, where cgroup_attach must be used. */
int cgroup_into_fd(const struct cgroup *cgroup);

/* Moves a process in, all controllers; read back from the process. */
MUST_USE int cgroup_attach(const struct cgroup *cgroup, int pid, struct err *e);

/* Counters of what `limits` (CGROUP_BIT set) are counted by; ~0u: all there are. */
MUST_USE int cgroup_usage(const struct cgroup *cgroup, uint32_t limits, struct cgroup_usage *out, struct err *e);
MUST_USE int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct err *e);

/* Kills all inside (cgroup.kill, or rounds of SIGKILL on v1) and waits until none is left, at most
 * wait_ms. Does not reap: that is the parent's. Nothing can be started in the group afterwards. */
MUST_USE int cgroup_kill(const struct cgroup *cgroup, unsigned wait_ms, struct err *e);

/* Removes the directories; ones that are busy are retried for wait_ms. Closes the descriptors. */
MUST_USE int cgroup_remove(struct cgroup *cgroup, unsigned wait_ms, struct err *e);

/* Removes groups named as ours beside where cgroup_create would make one, whose keeper is gone
 * (SIGKILL on keeper and ward at once). Returns how many directories. Never fails a run. */
unsigned cgroup_sweep(void);

/* What this caller could limit: a CGROUP_BIT set; 0 with cause and fix in why. Makes and removes a
 * probing group when `try` (doctor); otherwise decides by permissions alone (fast, for every run). */
uint32_t cgroup_available(bool try, bool *v2, char *why, size_t why_cap);

/* For keepers that drop their rights: closes descriptors without removing anything. */
void cgroup_forget(struct cgroup *cgroup);
