/* Bounds are 1, 1.5, 2, 3, 5, 7 of each decade: even enough on a logarithmic scale, and round numbers for labels. */
#include "base/hist.h"

static const uint64_t bounds[HIST_BOUNDS] = {
	10, 15, 20, 30, 50, 70,
	100, 150, 200, 300, 500, 700,
	1000, 1500, 2000, 3000, 5000, 7000,
	10000, 15000, 20000, 30000, 50000, 70000,
	100000, 150000, 200000, 300000, 500000, 700000,
	1000000, 1500000, 2000000, 3000000, 5000000, 7000000,
	10000000, 15000000, 20000000, 30000000, 50000000, 70000000,
	100000000,
};

uint64_t hist_bound_us(size_t i)
{
	return bounds[i];
}

static size_t bucket_of(uint64_t us)
{
	size_t low = 0, high = HIST_BOUNDS;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (us <= bounds[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void hist_add(struct hist *hist, uint64_t us)
{
	hist->n[bucket_of(us)]++;
	hist->total++;
	hist->sum_us += us;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (size_t i = 0; i <= HIST_BOUNDS; i++)
		into->n[i] += from->n[i];
	into->total += from->total;
	into->sum_us += from->sum_us;
}

uint64_t hist_quantile(const struct hist *hist, unsigned per_mille)
{
	/* The first one that has at least so many below it or in it, counted from 1. */
	const uint64_t wanted = (hist->total * per_mille + 999) / 1000;
	uint64_t before = 0;

	for (size_t i = 0; i < HIST_BOUNDS && hist->total; i++) {
		const uint64_t low = i ? bounds[i - 1] : 0, n = hist->n[i];

		if (n && before + n >= wanted)
			return low + (bounds[i] - low) * (wanted - before) / n;
		before += n;
	}
	return hist->total ? bounds[HIST_BOUNDS - 1] : 0;
}
