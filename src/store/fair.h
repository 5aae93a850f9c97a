/* Whose job is next: weighted deficit round robin over the tenants that have one waiting. Knows numbers alone: what
 * waits in which class, what runs, what a tenant may. Pure; the store tells it of every move. */
#pragma once

#include "store/store_job.h"

#define FAIR_NONE UINT64_MAX

struct fair_class {
	char name[STORE_NAME_MAX + 1];
	uint64_t ready;
};

struct fair_tenant {
	uint64_t id, max_running, starts_per_s, running, ready;
	uint32_t weight;
	bool has_cpu_quota;     /* the store's note: nothing is done with it here */
	bool is_suspended;      /* nothing of it starts */
	bool is_blocked;        /* its processor time of the day is used up: no start before blocked_until_ms */
	uint64_t blocked_until_ms;
	uint64_t memory, memory_max;    /* of what runs; at once, 0 = any */
	bool is_short;          /* its next job needs more than is left of that: no start before one has ended */
	uint64_t credit;        /* in 1/FAIR_JOB jobs */
	bool has_turn;          /* got its credit of this round */
	uint64_t left_round;    /* in which its queue became empty */
	uint64_t tokens_milli, tokens_at_ms;    /* of the start rate */
	/* What fair_wait_ms() goes by: starts behind which others of it still waited, how long that took, since when one does. */
	uint64_t drained, behind_ms, behind_at_ms;
	bool is_behind;
	struct fair_class *classes;
	size_t n_classes, cap_classes;
};
#define FAIR_JOB ((uint64_t)1 << 20)

/* All zero is the empty one. */
struct fair {
	struct fair_tenant *tenants;    /* sorted by id */
	size_t n_tenants, cap_tenants;
	size_t cursor;
	uint64_t round, most;   /* the greatest weight of those that could start something in this round */
	uint64_t queued;        /* jobs of all, with those that pause */
};
void fair_done(struct fair *fair);

/* Sets what a tenant may; it is made when it is new. */
struct fair_tenant *fair_put(struct fair *fair, uint64_t id, uint32_t weight, uint64_t max_running,
			     uint64_t starts_per_s, uint64_t now_ms);
struct fair_tenant *fair_find(const struct fair *fair, uint64_t id);

/* What a move changed: so many more (or, negative, fewer) that wait ready in that class, that run, that are queued. */
void fair_ready(struct fair *fair, struct fair_tenant *tenant, const char *class, int64_t more);
bool fair_has(const struct fair_tenant *tenant, const char *class);
static inline void fair_running(struct fair_tenant *tenant, int64_t more, int64_t memory)
{
	tenant->running += (uint64_t)more;
	tenant->memory += (uint64_t)memory;
	tenant->is_short &= memory >= 0;
}
/* Whether a job of that limit can start beside what runs. */
static inline bool fair_fits(const struct fair_tenant *tenant, uint64_t memory)
{
	const uint64_t left = tenant->memory_max > tenant->memory ? tenant->memory_max - tenant->memory : 0;

	/* One that was taken under a larger bound runs alone. */
	return !tenant->memory_max || !tenant->memory || memory <= left;
}

/* The tenant whose turn it is and which has a job ready in a class with room; NULL when there is none. *again_ms is
 * then the steady clock at which a rate allows more (FAIR_NONE: no rate stands in the way). */
struct fair_tenant *fair_next(struct fair *fair, const struct store_room *rooms, size_t n_rooms, uint64_t now_ms,
			      uint64_t *again_ms);
/* It got one: the credit, the rate and how fast its queue drains know. */
void fair_take(struct fair *fair, struct fair_tenant *tenant, uint64_t now_ms);
/* How long one more job would wait behind `queued` of its tenant's, as those drain now; 0: nobody can say yet. What other
 * tenants have waiting is in it as far as it slows this one down, and no further. */
uint64_t fair_wait_ms(const struct fair_tenant *tenant, uint64_t queued, uint64_t now_ms);
/* How long until `excess` jobs have left, as they do while some wait: 1 s to 1 h; 10 s while nobody can say. tenant may be NULL. */
uint64_t fair_retry_ms(const struct fair_tenant *tenant, uint64_t excess, uint64_t now_ms);
