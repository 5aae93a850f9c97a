/* Refused system calls: hears of them by the box's seccomp listener, judges them by the same rows
 * the filter was made from, records and answers. It lets no call go on
 * (SECCOMP_USER_NOTIF_FLAG_CONTINUE), for the kernel would run it with arguments read after the
 * judgement, but those that make a socket, where the filter tells of them: those have theirs in registers. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "model/filter.h"
#include "model/result.h"

/* Notifications answered in one turn: a program that does nothing else must not keep the clocks and
 * its own output waiting. */
#define DENY_TURN 32

/* What the rows say of one call that came to the listener, and what its caller gets to see. */
struct ruling {
	enum filter_act act;
	uint16_t sys;           /* never 0 */
	uint32_t line;
	const char *origin;     /* never NULL */
};
struct ruling deny_judge(const struct filter_set *set, uint32_t nr, const uint64_t args[6]);

/* One refused call as it came. */
struct deny_call {
	uint32_t nr, pid;       /* pid: of the thread, as ward sees it */
	uint64_t args[6], ip;
};

/* Adds one refused call to the list: same number and same rule are one entry with a count, which
 * keeps the arguments of the first time. Returns the new entry; NULL when an old one was counted up
 * or the list is full. */
const struct denial *deny_record(struct result *result, const struct ruling *ruling, uint32_t nr,
				 const uint64_t args[6]);

/* Who hears of it; each function may be NULL. */
struct deny_ears {
	void (*fresh)(void *at, const struct denial *denial);   /* a new entry of the list */
	void (*call)(void *at, const struct deny_call *call);   /* every single one, after its answer */
	void (*opens)(void *at);        /* a call that makes a socket, allowed and told: before it goes on. NULL: it does not */
	void *at;
};

/* Answers what is waiting at the listener, DENY_TURN calls at most.
 *
 * Returns 1 when a call came that ends the box (it is recorded and left without an answer), 0
 * otherwise, -1 when no task uses the filter any more, -2 when the kernel does not talk to us although some do
 * Syscalls: poll, ioctl SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND; seccomp_unotify(2) */
int deny_turn(int listener, const struct filter_set *set, struct result *result, const struct deny_ears *ears);
