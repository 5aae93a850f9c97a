/* What the service counts while it runs: of the loop's thread alone, without locks and without labels that a tenant
 * chooses. Numbers that a restart must not reset are not here: the store has them. */
#pragma once

#include "serve/history.h"
#include "store/store_list.h"

enum stat_counter {
#define STAT(id, name, help) STAT_##id,
#include "serve/stat.def"
#undef STAT
	STATS
};
enum stat_hist {
#define STAT_HIST(id, name, label, value, help) STAT_HIST_##id,
#include "serve/stat_hist.def"
#undef STAT_HIST
	STAT_HISTS
};

/* How often a combination of labels was seen: there are few, and each is made of tables of ours. */
struct stat_row {
	uint32_t a, b, c;
	uint64_t n;
};
struct stat_rows {
	struct stat_row *rows;
	size_t n, cap;
};
#define STAT_ROWS_MAX 4096

#define STATS_TENANTS 128       /* whose last minutes are kept at one time */
#define STATS_CLASSES 64
struct stats {
	uint64_t counters[STATS];
	struct hist hists[STAT_HISTS];
	struct stat_rows ends;          /* a: class, b: enum job_state, c: enum job_reason */
	struct stat_rows answers;       /* a: route, b: status */
	char classes[STATS_CLASSES][STORE_NAME_MAX + 1];        /* by the number that `ends` has; 0 is "" */
	size_t n_classes;
	struct history all, *tenants[STATS_TENANTS];
};
/* All zero is the empty one. */
void stats_done(struct stats *stats);

static inline void stats_count(struct stats *stats, enum stat_counter stat, uint64_t n)
{
	stats->counters[stat] += n;
}
static inline void stats_observe(struct stats *stats, enum stat_hist hist, uint64_t us)
{
	hist_add(&stats->hists[hist], us);
}
const char *stats_name(enum stat_counter stat);

/* A job moved (store_watch()). now_us as loop_now_us(). */
void stats_moved(struct stats *stats, const struct store_change *change, uint64_t now_us);
/* Its first instruction ran so long after its lease; calls were refused to it. */
void stats_started(struct stats *stats, uint64_t tenant, bool is_cold, uint64_t us, uint64_t now_us);
void stats_denied(struct stats *stats, uint64_t tenant, uint64_t n, uint64_t now_us);
/* A request was answered. route: its row in the table of routes. */
void stats_answered(struct stats *stats, uint32_t route, uint32_t status);

/* The last minutes of a tenant, 0: of all. Kept from the first time that something happens to it or somebody asks, in
 * the place of the one that was longest without. */
struct history *stats_history(struct stats *stats, uint64_t tenant, uint64_t now_us);
