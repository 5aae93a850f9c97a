/* What a job used while it ran: few points, however long it runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define SERIES_POINTS   120
#define SERIES_FIRST_MS 250

enum { SERIES_CPU = 1, SERIES_MEMORY = 2, SERIES_PIDS = 4 };
struct series_point {
	uint64_t t_ms;                          /* since the claim; later than the point before */
	uint64_t cpu_us;                        /* so far */
	uint64_t memory_bytes, pids;            /* then */
};
/* All zero is an empty one. */
struct series {
	uint32_t n, have;                       /* have: SERIES_* that every point has */
	struct series_point points[SERIES_POINTS];
};

/* Of a full one every second point is forgotten, and the last one kept. False: it is no later than the last one. */
bool series_add(struct series *series, uint32_t have, const struct series_point *point);
/* When to take the next point after `taken`, so that all that is kept lies evenly: the wait doubles each time the
 * series is halved. */
uint64_t series_wait_ms(uint64_t taken);

/* One point as an object; all of them as an array. */
void series_put_point(struct json *json, const char *key, const struct series *series, size_t i);
void series_put(struct json *json, const char *key, const struct series *series);

/* The runner's word SAMPLE (order.h): one point. One that is lost leaves a gap and nothing else. */
struct order_sample {
	uint32_t magic, kind, have, zero;
	struct series_point point;
};
bool order_sample_is_sound(const void *packet, size_t len);
