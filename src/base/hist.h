/* How long things took: counts in fixed buckets, six a decade from 10 us to 100 s. One histogram is both what is
 * scraped and what quantiles are read from; adding to it costs a search of six steps and no memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HIST_BOUNDS 43
struct hist {
	uint64_t n[HIST_BOUNDS + 1];    /* the last one: longer than every bound */
	uint64_t total, sum_us;
};
/* All zero is the empty one. */

/* The upper bound of a bucket, itself included; they rise. i < HIST_BOUNDS. */
uint64_t hist_bound_us(size_t i);

void hist_add(struct hist *hist, uint64_t us);
void hist_merge(struct hist *into, const struct hist *from);

/* What per_mille thousandths of them are not longer than, straight between two bounds; 0 when there are none, the last
 * bound when it is longer than that. Wrong by at most half its value. */
uint64_t hist_quantile(const struct hist *hist, unsigned per_mille);
