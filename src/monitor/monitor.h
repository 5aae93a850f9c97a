/* All that privilege can be asked for, and what a box tells. Fixed sizes, one packet each. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "mech/cgroup.h"

/* Requests on the control channel (SOCK_SEQPACKET). A malformed one is not an error to report but a
 * compromise to end: the box is killed and the connection closed. */
enum mon_op {
	MON_SPAWN,      /* descriptors: box channel, sealed memfd with the plan, then the plan's own (in further
			 * MON_FDS packets when there are many); arg = number of the plan's descriptors */
	MON_FDS,        /* up to MON_FDS_PER_PACKET more descriptors */
	MON_SIGNAL,     /* arg = signal for the program: TERM INT HUP QUIT USR1 USR2 WINCH CONT TSTP */
	MON_KILL,       /* everything in the box, at once */
	MON_FREEZE,     /* arg 1 freeze, 0 thaw; needs a cgroup */
	MON_USAGE,      /* counters so far; arg 1: those of processor time are enough */
	MON_RELEASE,    /* kill what is left, wait for it, remove the cgroups; answered when nothing is left */
	MON_OPS
};
struct mon_req {
	uint32_t op, zero;
	uint64_t arg;
};
#define MON_FDS_PER_PACKET 250

struct mon_res {
	int32_t status;         /* 0, or -1 and err says why */
	uint32_t op;            /* the request this answers */
	uint64_t layers;        /* MON_SPAWN: layers installed on the host side and read back */
	struct cgroup_usage usage;
	struct err err;
};

/* What the box itself tells, on the box channel, from its first process to ward; one packet each. */
enum box_note_kind {
	BOX_FAILED,     /* setting up did not work: err; the box is going away, nothing ran */
	BOX_TERMINAL,   /* one descriptor: the master of its pty */
	BOX_STARTED,    /* the program was executed; layers = those proven inside; a descriptor when filtered with a listener */
	BOX_NOEXEC,     /* exec failed: value = errno; nothing ran */
	BOX_ENDED,      /* the program is over: value = wait status */
	BOX_NOTES
};
struct box_note {
	uint32_t kind, zero;
	int64_t value;
	uint64_t layers;
	uint64_t cpu_us;        /* of all processes waited for so far */
	uint64_t rss_peak_bytes;/* of the largest one */
	struct err err;
};
