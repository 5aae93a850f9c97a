/* Guests of one zygote: a process of its own for each, in one box. For event loops: one descriptor to wait for,
 * and a call that never waits. What bytes a guest gets and says is the caller's business (isolate/channel.h).
 *
 * All guests of a zygote are scripts (boundary js), or all are WebAssembly modules (boundary wasm). A module is given its
 * standard streams first (guest_send_streams()), then itself and its words; it ends with GUEST_EXIT or GUEST_ERROR.
 * Directories are its box's, the same for every guest: a zygote that has some belongs to one tenant.
 *
 * A box of guests holds no more than a box with one program: what protects one guest from the other is its own
 * process, Landlock domain, filter and limits; docs/engines.md says layer by layer what that holds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "isolate/control.h"
#include "model/plan.h"
#include "model/result.h"

struct isolates;

/* How a guest ended. What its own code cannot forge: the zygote reaps it. */
struct isolate_end {
	uint64_t id;
	enum verdict verdict;   /* ok, nonzero (it says why on its channel), signal, limit.cpu, limit.wall, limit.memory,
				 * denied.syscall; setup: it never began */
	int status;             /* of wait4(2) */
	uint64_t cpu_us, wall_us, rss_peak_bytes;
	uint64_t layers;        /* that held it: its box's, and its own instead of its zygote's */
};
typedef void isolates_ended(void *at, const struct isolate_end *end);

struct isolates_setup {
	const struct plan *plan;        /* of boundary js or wasm with payload.guest GUEST_ZYGOTE; borrowed during the call */
	const int *fds;                 /* the plan's descriptors, borrowed; fds[3] is ends[1] of isolates_pair(), which
					 * nobody else may hold open: its end is how a zygote's is seen */
	size_t n_fds;
	const char *monitor;            /* socket of a resident monitor; NULL: a keeper of our own */
	int control_fd;                 /* ends[0], taken over, also on failure */
	uint32_t parked;                /* guests kept ready, with park_limits; 0 = none */
	struct isolate_limits park_limits;
	isolates_ended *ended;          /* called from isolates_turn() alone, once for each guest that was handed out */
	void *at;
};

/* What a wait status means. killed: on the owner's word, and not for lack of memory. Pure. */
enum verdict isolates_verdict(int status, bool killed);

/* The control channel: ends[1] is passed to the box (payload.pass_numbers), close-on-exec like the other. */
MUST_USE int isolates_pair(int ends[2], struct err *e);

/* Starts the box and waits until its zygote is warm (some 50 ms).
 * Errors: why the box was not started; ERR_SYSTEM with what the zygote wrote when it could not start */
MUST_USE int isolates_start(const struct isolates_setup *setup, struct isolates **out, struct err *e);

/* Readable when isolates_turn() has something to do; the same descriptor all the while. */
int isolates_fd(const struct isolates *isolates);

/* Hears what is there, calls ended() for it, and fills the park again. Does not wait.
 * Errors: ERR_SYSTEM: the zygote or its box is gone; every guest was reported first. Only isolates_stop() is left. */
MUST_USE int isolates_turn(struct isolates *isolates, struct err *e);

/* A guest that is confined and waits for frames on its channel: a parked one when its limits are these.
 *
 * id          of the guest, for isolates_kill() and ended(); never 0
 * channel_fd  our end: a stream socket, non-blocking, the caller's to close; its end of file comes before ended() */
MUST_USE int isolates_fork(struct isolates *isolates, const struct isolate_limits *limits, uint64_t *id, int *channel_fd,
			   struct err *e);

/* The same with a channel between the guest and somebody else, so that who orders it sees no byte of it. Never a parked
 * one.
 *
 * guest_fd  the guest's end, a stream socket; borrowed */
MUST_USE int isolates_fork_on(struct isolates *isolates, const struct isolate_limits *limits, int guest_fd, uint64_t *id,
			      struct err *e);

/* A fork that a guest made to answer one request and that waits for it (isolate/channel.def, GUEST_SERVE), by the number it says
 * of itself: from here on a guest like others, and nobody's until isolates_hand_out(). The zygote takes only a process for it
 * that the kernel calls its child and that is no other guest. See engine/serving.h.
 *
 * of      the guest that forked it
 * limits  of processor time alone, from here on; memory is the guest's that forked it, and time by the clock its owner's to keep
 * hand_out  not yet: isolates_turn() has not heard yet that the zygote has it */
MUST_USE int isolates_adopt(struct isolates *isolates, uint64_t of, int32_t pid, const struct isolate_limits *limits, uint64_t *id,
			    struct err *e);
enum isolates_handed { ISOLATES_GONE, ISOLATES_NOT_YET, ISOLATES_HANDED_OUT };
MUST_USE enum isolates_handed isolates_hand_out(struct isolates *isolates, uint64_t id);

/* As isolates_kill(), of one whose time by its owner's clock is over: its verdict is limit.wall. */
void isolates_expire(struct isolates *isolates, uint64_t id);

/* SIGKILL for one guest, now; ended() follows with verdict signal. One that has ended meanwhile is no error. */
void isolates_kill(struct isolates *isolates, uint64_t id);

/* How many more guests this zygote will start: all of one zygote share the layout of their memory, so it is
 * replaced after some thousands. At 0 isolates_fork() is ERR_CONFLICT; guests that run go on. */
uint32_t isolates_left(const struct isolates *isolates);

/* What holds the box they are in, as a result has it: LAYER_BIT()s. Without what each process in it has for itself, which
 * is told with a guest's end. */
uint64_t isolates_layers(const struct isolates *isolates);

/* Guests that were handed out and have not ended. */
size_t isolates_alive(const struct isolates *isolates);

/* Ends the box with everything in it, waits for that, and frees. No ended() is called. Accepts NULL. */
void isolates_stop(struct isolates *isolates);
