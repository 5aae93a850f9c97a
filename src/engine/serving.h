/* A script's top level has run once, in a guest, and each request is answered by a fork of that which was made before and waits
 * for it, sealed: from the owner's write to the owner's read nobody else runs but the fork. For event loops: nothing here waits.
 *
 * The guest is of a zygote with `serves` (engine/isolates.h), has read GUEST_RUN_SERVE and said GUEST_READY. A fork has one
 * request. What it says is hostile: frames are bounded (isolate/channel.h), and their bytes may be anything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/isolates.h"
#include "isolate/channel.h"

struct serving;

#define SERVING_MAX 16

/* One that was handed out, and its caller's from then on: isolates_kill() when it has answered, isolates_expire() when its time
 * is over. isolates_setup.ended tells its end, and is believed when its channel ends without an answer. */
struct serving_fork {
	uint64_t id;
	int fd;                 /* non-blocking; the caller's to close, when it has answered or sooner */
};

/* id, fd  the guest, and its channel, which is taken over
 * limits  those it was forked with, of which its forks have the processor's each
 * ahead   how many forks wait, SERVING_MAX at most */
struct serving *serving_new(struct isolates *isolates, uint64_t id, int fd, const struct isolate_limits *limits, size_t ahead);

/* Hears which forks wait, and orders more: before serving_take(), and when a descriptor of serving_polls() is ready;
 * isolates_turn() hears with it which of them the zygote has. False: the guest that forks has ended; those that wait can still be had. */
MUST_USE bool serving_turn(struct serving *serving);

/* What to wait for; SERVING_MAX + 1 at most. Returns how many. */
struct pollfd;
size_t serving_polls(const struct serving *serving, struct pollfd *polls);

/* Hands one out that waits. False: none does. */
MUST_USE bool serving_take(struct serving *serving, struct serving_fork *out);

/* Writes the request, JSON; more than a socket holds (some 200 KiB) at once is ERR_LIMIT, and the fork is to be killed. */
MUST_USE int serving_ask(const struct serving_fork *fork, const char *json, size_t len, struct err *e);

/* Ends the guest and those that wait. Accepts NULL. */
void serving_free(struct serving *serving);
