/* Points in bounded room. Refuses what goes back in time. */
#include "serve/series.h"

bool series_add(struct series *series, uint32_t have, const struct series_point *point)
{
	if (series->n && point->t_ms <= series->points[series->n - 1].t_ms)
		return false;
	if (series->n == SERIES_POINTS) {
		series->n = SERIES_POINTS / 2;
		for (uint32_t i = 0; i < series->n; i++)
			series->points[i] = series->points[2 * i + 1];
	}
	series->have = series->n ? series->have & have : have;
	series->points[series->n++] = *point;
	return true;
}

uint64_t series_wait_ms(uint64_t taken)
{
	uint64_t wait_ms = SERIES_FIRST_MS;

	/* The first SERIES_POINTS are as they come; each half that is taken after them is twice as far apart. */
	for (uint64_t half = SERIES_POINTS / 2; taken >= 2 * half && wait_ms < SERIES_FIRST_MS << 20; taken -= half)
		wait_ms *= 2;
	return wait_ms;
}

void series_put_point(struct json *json, const char *key, const struct series *series, size_t i)
{
	const struct series_point *const point = &series->points[i];

	json_put_object(json, key);
	json_put_u64(json, "t_ms", point->t_ms);
	if (series->have & SERIES_CPU)
		json_put_u64(json, "cpu_us", point->cpu_us);
	if (series->have & SERIES_MEMORY)
		json_put_u64(json, "memory", point->memory_bytes);
	if (series->have & SERIES_PIDS)
		json_put_u64(json, "pids", point->pids);
	json_put_end(json);
}

void series_put(struct json *json, const char *key, const struct series *series)
{
	json_put_array(json, key);
	for (size_t i = 0; i < series->n; i++)
		series_put_point(json, NULL, series, i);
	json_put_end(json);
}
