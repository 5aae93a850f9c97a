/* Counting. Whatever could grow with what clients send has a bound here, and what is beyond it is not told apart. */
#include "serve/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define STAT(id, name, help) name,
#include "serve/stat.def"
#undef STAT
};

const char *stats_name(enum stat_counter stat)
{
	return names[stat];
}

void stats_done(struct stats *stats)
{
	free(stats->ends.rows);
	free(stats->answers.rows);
	for (size_t i = 0; i < STATS_TENANTS; i++)
		free(stats->tenants[i]);
	memset(stats, 0, sizeof(*stats));
}

static void add_row(struct stat_rows *rows, uint32_t a, uint32_t b, uint32_t c)
{
	size_t i = 0;

	while (i < rows->n && (rows->rows[i].a != a || rows->rows[i].b != b || rows->rows[i].c != c))
		i++;
	if (i == STAT_ROWS_MAX)
		return;
	if (i == rows->n) {
		rows->rows = mem_grow(rows->rows, &rows->cap, rows->n + 1, sizeof(*rows->rows));
		rows->rows[rows->n++] = (struct stat_row){ a, b, c, 0 };
	}
	rows->rows[i].n++;
}

static uint32_t class_number(struct stats *stats, const char *class)
{
	size_t i = 0;

	if (!stats->n_classes)
		stats->n_classes = 1; /* "" */
	while (i < stats->n_classes && strcmp(stats->classes[i], class) != 0)
		i++;
	if (i == STATS_CLASSES)
		return 0;
	if (i == stats->n_classes)
		snprintf(stats->classes[stats->n_classes++], sizeof(stats->classes[0]), "%s", class);
	return (uint32_t)i;
}

struct history *stats_history(struct stats *stats, uint64_t tenant, uint64_t now_us)
{
	struct history **place = &stats->tenants[0];

	if (!tenant)
		return &stats->all;
	for (size_t i = 0; i < STATS_TENANTS; i++) {
		struct history **const at = &stats->tenants[i];

		if (*at && (*at)->tenant == tenant) {
			(*at)->used_us = now_us;
			return *at;
		}
		if (*place && (!*at || (*at)->used_us < (*place)->used_us))
			place = at;
	}
	if (!*place)
		*place = mem_alloc(sizeof(**place));
	memset(*place, 0, sizeof(**place));
	(*place)->tenant = tenant;
	(*place)->used_us = now_us;
	return *place;
}

void stats_moved(struct stats *stats, const struct store_change *change, uint64_t now_us)
{
	struct history *const own = stats_history(stats, change->tenant, now_us);
	const bool is_end = job_state_is_final(change->to) && change->from != change->to;
	const bool has_failed = is_end && change->to != JOB_SUCCEEDED && change->to != JOB_CANCELLED;

	/* A row keeps the reason of its last return: only moves that end a lease are asked for theirs. */
	if (job_state_is_held(change->from) && (change->to == JOB_QUEUED || change->to == JOB_INFRA_FAILED)) {
		stats_count(stats, STAT_GIVEN_BACK, change->to == JOB_QUEUED);
		stats_count(stats, STAT_LEASES_EXPIRED, change->reason == REASON_LEASE);
	}
	if (is_end)
		add_row(&stats->ends, class_number(stats, change->class), change->to, change->reason);
	own->now.ended += is_end;
	own->now.failed += has_failed;
	stats->all.now.ended += is_end;
	stats->all.now.failed += has_failed;
}

void stats_started(struct stats *stats, uint64_t tenant, bool is_cold, uint64_t us, uint64_t now_us)
{
	stats_observe(stats, is_cold ? STAT_HIST_START_COLD : STAT_HIST_START_WARM, us);
	stats_count(stats, is_cold ? STAT_STARTED_COLD : STAT_STARTED_WARM, 1);
	history_start(&stats->all, us, is_cold, now_us);
	history_start(stats_history(stats, tenant, now_us), us, is_cold, now_us);
}

void stats_denied(struct stats *stats, uint64_t tenant, uint64_t n, uint64_t now_us)
{
	struct history *const own = stats_history(stats, tenant, now_us);

	if (!n)
		return;
	stats_count(stats, STAT_DENIED, n);
	stats->all.denials += n;
	stats->all.now.denials += (uint32_t)n;
	own->denials += n;
	own->now.denials += (uint32_t)n;
}

void stats_answered(struct stats *stats, uint32_t route, uint32_t status)
{
	add_row(&stats->answers, route, status, 0);
}
