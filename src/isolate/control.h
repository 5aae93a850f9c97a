/* What a zygote and its owner say to each other, on a SOCK_SEQPACKET socket, one packet each. The owner orders
 * guests and hears how they ended; no byte of a guest ever passes here, so no guest can tell its own end. */
#pragma once

#include <stdint.h>

/* Each is the kernel's business, not the engine's; 0 = none. */
struct isolate_limits {
	uint64_t memory_bytes;  /* beyond the few MiB that every guest begins with */
	uint64_t cpu_us;        /* processor time of the guest, from its first byte of work */
	uint64_t wall_us;       /* time by the clock, from the same moment */
};
#define ISOLATE_MEMORY_LEAST (UINT64_C(4) << 20)

enum isolate_op {
	ISOLATE_FORK,   /* with one descriptor: the guest's end of its channel (isolate/channel.h) */
	ISOLATE_KILL,
	ISOLATE_ADOPT,  /* a fork of a guest that serves, which waits (GUEST_WAITS): from here on a guest like others. Of a zygote
			 * that has one tenant's guests alone (--requests) */
	ISOLATE_OPS
};
struct isolate_request {
	uint32_t op;
	int32_t pid;            /* of ISOLATE_ADOPT, else zero: what the fork says of itself */
	uint64_t id;            /* the owner's word for the guest, never 0 */
	struct isolate_limits limits;   /* of ISOLATE_FORK; of ISOLATE_ADOPT the processor's, from here on; else zero */
	uint64_t of;            /* of ISOLATE_ADOPT, else zero: the guest that forked it */
};

enum isolate_answer_kind {
	ISOLATE_READY,          /* once: the zygote is warm; left = the guests it will start before it is spent */
	ISOLATE_REFUSED,        /* no guest of that id was started; sys = errno */
	ISOLATE_ENDED,          /* the guest is gone, reaped by its parent: the zygote, not the guest, says so */
	ISOLATE_ADOPTED,        /* it is a guest now. One that is asked before that may be gone before its owner's order is read */
	ISOLATE_ANSWERS
};
/* What a guest has of its own beside what its box holds: ward's code in its process told the zygote when each was in
 * force, before it read a byte of the tenant's. */
enum isolate_has {
	ISOLATE_HAS_RLIMITS,    /* limits of its memory and files */
	ISOLATE_HAS_LANDLOCK,   /* a domain without any right but its preopens */
	ISOLATE_HAS_FDS,        /* no descriptor but its channel, and of a module its directories */
	ISOLATE_HAS_SECCOMP,    /* its own filter, on its zygote's */
};

struct isolate_answer {
	uint32_t kind;
	int32_t status;         /* of wait4(2), for ISOLATE_ENDED */
	uint64_t id;
	int32_t sys;
	uint32_t left;
	uint64_t cpu_us, rss_peak_bytes;        /* cpu: since its first byte */
	uint64_t has;           /* 1 << ISOLATE_HAS_..., of ISOLATE_ENDED */
};
#define ISOLATE_FORKS 8192u      /* guests of one zygote, before it is spent */

/* Exit codes of a guest. What it says with them is its own word; limits of time end it by a signal:
 * SIGPROF is limits.cpu_us, SIGALRM limits.wall_us, SIGSYS a call that no guest makes. */
enum isolate_code {
	ISOLATE_CODE_OK,
	ISOLATE_CODE_ERROR,     /* something was thrown and not caught: GUEST_ERROR says what */
	ISOLATE_CODE_CHANNEL,   /* the owner's frames could not be understood, or the owner is gone */
	ISOLATE_CODE_MEMORY,    /* the engine was refused memory */
	ISOLATE_CODE_SETUP,     /* it could not be confined, and so never read anything */
};
