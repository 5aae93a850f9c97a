/* The last ten minutes of a tenant, or of all: a point each two seconds. In memory alone; what must not be forgotten is
 * in the store. Pure: it is told the time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hist.h"

#define HISTORY_POINTS 300
#define HISTORY_STEP_US 2000000

/* HISTORY(field, is_sum): what a point has; sums are of its two seconds, the others are how it was at their end. */
#define HISTORY_FIELDS(HISTORY) \
	HISTORY(running, false) HISTORY(queued, false) HISTORY(boxes, false) \
	HISTORY(started, true) HISTORY(ended, true) HISTORY(failed, true) HISTORY(denials, true) \
	HISTORY(start_p50_us, false) HISTORY(start_p99_us, false)

struct history_point {
	uint64_t number, wall_ms;
#define FIELD(field, is_sum) uint32_t field;
	HISTORY_FIELDS(FIELD)
#undef FIELD
};

struct history {
	uint64_t tenant;                /* 0: all */
	uint64_t used_us;               /* when something of it last happened, or was asked for */
	struct history_point now;       /* of the two seconds that run; its sums grow */
	struct hist start, minutes[2];  /* starts of these two seconds; of this minute and the one before */
	uint64_t minute;
	uint64_t warm, cold, denials;   /* since the process began */
	struct history_point points[HISTORY_POINTS];
	uint64_t n;                     /* points ever made; the last is number n */
};
/* All zero is the empty one. */

void history_start(struct history *history, uint64_t us, bool is_cold, uint64_t now_us);
/* Makes a point of `now`; its running, queued and boxes were set by the caller. */
void history_turn(struct history *history, uint64_t now_us, uint64_t wall_ms);

/* Starts of the last one to two minutes. */
struct hist history_starts(const struct history *history);
/* How many jobs ended in a second, in thousandths, over the last ten. */
uint64_t history_rate_milli(const struct history *history);

/* The i-th of those kept, the oldest first; NULL past the end. */
const struct history_point *history_at(const struct history *history, size_t i);
