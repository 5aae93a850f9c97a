/* Points replace the oldest ones; nothing here ever grows. */
#include "serve/history.h"

#include <string.h>

#define MINUTE_US 60000000
#define RATE_POINTS 5

/* The minute before becomes the older one; after a pause both are over. */
static void turn_minute(struct history *history, uint64_t now_us)
{
	const uint64_t minute = now_us / MINUTE_US;

	if (minute == history->minute)
		return;
	if (minute == history->minute + 1)
		history->minutes[1] = history->minutes[0];
	else
		memset(&history->minutes[1], 0, sizeof(history->minutes[1]));
	memset(&history->minutes[0], 0, sizeof(history->minutes[0]));
	history->minute = minute;
}

void history_start(struct history *history, uint64_t us, bool is_cold, uint64_t now_us)
{
	turn_minute(history, now_us);
	hist_add(&history->minutes[0], us);
	hist_add(&history->start, us);
	history->now.started++;
	*(is_cold ? &history->cold : &history->warm) += 1;
}

void history_turn(struct history *history, uint64_t now_us, uint64_t wall_ms)
{
	struct history_point *const point = &history->points[history->n % HISTORY_POINTS];

	turn_minute(history, now_us);
	*point = history->now;
	point->number = ++history->n;
	point->wall_ms = wall_ms;
	point->start_p50_us = (uint32_t)hist_quantile(&history->start, 500);
	point->start_p99_us = (uint32_t)hist_quantile(&history->start, 990);
	memset(&history->start, 0, sizeof(history->start));
	memset(&history->now, 0, sizeof(history->now));
}

struct hist history_starts(const struct history *history)
{
	struct hist both = history->minutes[0];

	hist_merge(&both, &history->minutes[1]);
	return both;
}

uint64_t history_rate_milli(const struct history *history)
{
	const uint64_t n = history->n < RATE_POINTS ? history->n : RATE_POINTS;
	uint64_t ended = 0;

	for (uint64_t i = 0; i < n; i++)
		ended += history->points[(history->n - 1 - i) % HISTORY_POINTS].ended;
	return n ? ended * 1000 * 1000000 / (n * HISTORY_STEP_US) : 0;
}

const struct history_point *history_at(const struct history *history, size_t i)
{
	const size_t kept = history->n < HISTORY_POINTS ? (size_t)history->n : HISTORY_POINTS;

	return i < kept ? &history->points[(history->n - kept + i) % HISTORY_POINTS] : NULL;
}
