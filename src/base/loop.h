/* Waits for descriptors and moments, and calls. A table around ppoll(2): for the few descriptors of
 * a run that is fewer system calls than epoll, and regular files need no special case.
 *
 * A slot is added once and then pointed at whatever is to be waited for; -1 rests it, which also
 * keeps a hung-up descriptor from being reported again and again. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LOOP_SLOTS 12
#define LOOP_ALARMS 12

/* revents as in poll(2). A callback may change every slot and alarm, its own included. */
typedef void loop_ready(void *at, short revents);
typedef void loop_alarm(void *at);

struct loop {
	struct loop_slot {
		int fd;
		short events;
		loop_ready *ready;
		void *at;
	} slots[LOOP_SLOTS];
	struct loop_moment {
		uint64_t when_us;       /* loop_now_us() at which it rings, once; 0 = not set */
		loop_alarm *alarm;
		void *at;
	} alarms[LOOP_ALARMS];
	size_t n_slots, n_alarms;
};
/* An all-zero loop is empty. Nothing has to be released. */

/* CLOCK_MONOTONIC in microseconds. */
uint64_t loop_now_us(void);
/* CLOCK_REALTIME in milliseconds since 1970, which jumps when somebody sets it. */
uint64_t loop_wall_ms(void);

/* Each returns the number of a new, resting slot or alarm. Too many are a bug: asserted. */
size_t loop_add(struct loop *loop, loop_ready *ready, void *at);
size_t loop_add_alarm(struct loop *loop, loop_alarm *alarm, void *at);

/* Waits for events (poll(2)) on fd from the next turn on; fd -1 rests the slot. */
void loop_watch(struct loop *loop, size_t slot, int fd, short events);
/* Rings at when_us; 0 takes it back. */
void loop_set_alarm(struct loop *loop, size_t alarm, uint64_t when_us);

/* Waits until something is ready or an alarm is due and calls for each: slots in the order they
 * were added, then alarms. Without slots and alarms it returns at once. A signal's EINTR is a turn
 * without calls.
 *
 * Syscalls: ppoll
 * Errors: ERR_SYSTEM */
MUST_USE int loop_turn(struct loop *loop, struct err *e);
