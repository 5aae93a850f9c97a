/* ppoll and a table of callbacks. It owns no descriptor. */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

uint64_t loop_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t loop_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

size_t loop_add(struct loop *loop, loop_ready *ready, void *at)
{
	assert(loop->n_slots < LOOP_SLOTS);
	loop->slots[loop->n_slots] = (struct loop_slot){ .fd = -1, .ready = ready, .at = at };
	return loop->n_slots++;
}

size_t loop_add_alarm(struct loop *loop, loop_alarm *alarm, void *at)
{
	assert(loop->n_alarms < LOOP_ALARMS);
	loop->alarms[loop->n_alarms] = (struct loop_moment){ .alarm = alarm, .at = at };
	return loop->n_alarms++;
}

void loop_watch(struct loop *loop, size_t slot, int fd, short events)
{
	loop->slots[slot].fd = fd;
	loop->slots[slot].events = events;
}

void loop_set_alarm(struct loop *loop, size_t alarm, uint64_t when_us)
{
	loop->alarms[alarm].when_us = when_us;
}

/* False when there is nothing to wait for: an infinite wait on nothing would never return. */
static bool find_patience(const struct loop *loop, struct timespec *wait, bool *forever)
{
	uint64_t first = UINT64_MAX, now;
	bool any = false;

	for (size_t i = 0; i < loop->n_slots; i++)
		any |= loop->slots[i].fd >= 0;
	for (size_t i = 0; i < loop->n_alarms; i++)
		if (loop->alarms[i].when_us && loop->alarms[i].when_us < first)
			first = loop->alarms[i].when_us;
	*forever = first == UINT64_MAX;
	if (*forever)
		return any;
	now = loop_now_us();
	first = first > now ? first - now : 0;
	*wait = (struct timespec){ (time_t)(first / 1000000), (long)(first % 1000000) * 1000 };
	return true;
}

static void ring(struct loop *loop)
{
	uint64_t now = 0;

	for (size_t i = 0; i < loop->n_alarms; i++) {
		struct loop_moment *const moment = &loop->alarms[i];

		if (!moment->when_us)
			continue;
		now = now ? now : loop_now_us();
		if (moment->when_us > now)
			continue;
		moment->when_us = 0;
		moment->alarm(moment->at);
	}
}

int loop_turn(struct loop *loop, struct err *e)
{
	struct pollfd fds[LOOP_SLOTS];
	const size_t n = loop->n_slots; /* a callback may add more */
	struct timespec wait;
	bool forever;

	if (!find_patience(loop, &wait, &forever))
		return 0;
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ loop->slots[i].fd, loop->slots[i].events, 0 };
	if (ppoll(fds, n, forever ? NULL : &wait, NULL) < 0)
		return errno == EINTR ? 0 : err_sys(e, "ppoll");
	for (size_t i = 0; i < n; i++) {
		/* A callback before this one may have closed the descriptor or pointed the slot
		 * elsewhere. */
		const bool is_same = loop->slots[i].fd == fds[i].fd;

		if (fds[i].revents && is_same)
			loop->slots[i].ready(loop->slots[i].at, fds[i].revents);
	}
	ring(loop);
	return 0;
}
