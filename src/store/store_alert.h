/* What detection found: signals of jobs, alerts made of them, and the tenant they may suspend. Kinds, levels and
 * actions are the caller's words and numbers; here they are kept. Reads and writes as in store.h. */
#pragma once

#include "store/store_tenant.h"

#define STORE_SIGNALS_MAX 64            /* kinds in one call, calls counted in one */
#define STORE_ALERTS_KEPT 100000        /* of all tenants; older ones go */
#define STORE_REFUSALS_HOURS 48

struct store_signal {
	const char *kind;
	uint32_t weight;
	uint64_t at_ms, n;              /* when it was first seen; how often in all */
	struct store_bytes evidence;    /* JSON */
};

struct store_alert {
	uint64_t id, tenant, at_ms;     /* id: rises over all tenants, the place in the stream */
	struct store_id job;
	uint32_t level, score, action;
	const char *title;
	struct store_bytes evidence;    /* JSON */
	uint64_t acked_ms;              /* 0: open */
	const char *acked_by;
};

struct store_refusal {
	uint32_t nr;
	uint64_t n;
};

/* What became known of one job, in one transaction: signals (a kind that is there already keeps its time and gets the
 * higher count), calls that were refused, an alert, and the reason for which its tenant is suspended from now on.
 *
 * items[0].number  the alert's id; MISSING: there is no such job */
struct store_found {
	uint64_t tenant;
	struct store_id job;
	const struct store_signal *signals;
	const struct store_refusal *refusals;
	size_t n_signals, n_refusals;
	const struct store_alert *alert;        /* level, score, action, title, evidence; NULL: none */
	const char *suspend_why;                /* NULL: it goes on */
};
void store_found_put(struct store *store, const struct store_found *found, store_done *done, void *at);

/* tenant 0: any. REPLAYED: it was acknowledged before. */
void store_alert_ack(struct store *store, uint64_t tenant, uint64_t id, const char *by, store_done *done, void *at);

MUST_USE int store_signal_list(struct store *store, uint64_t tenant, const struct store_id *job, struct arena *arena,
			       struct store_signal **out, size_t *n, struct err *e);

/* Newest first, those before `before` (0: from the newest). Looks at STORE_SCAN_MAX rows at most: a page may be short
 * and not be the last; *next is where to go on, 0 at the end. tenant 0: of all. */
struct store_alert_filter {
	uint32_t levels;                /* bits 1 << level; 0: all */
	bool only_open, only_acked;
};
MUST_USE int store_alert_list(struct store *store, uint64_t tenant, const struct store_alert_filter *filter,
			      uint64_t before, size_t limit, struct arena *arena, struct store_alert **out, size_t *n,
			      uint64_t *next, struct err *e);
/* Oldest first, after an id: for streams. */
MUST_USE int store_alert_after(struct store *store, uint64_t tenant, uint64_t after, size_t limit,
			       struct arena *arena, struct store_alert **out, size_t *n, struct err *e);
STORE_FOUND store_alert_get(struct store *store, uint64_t tenant, uint64_t id, struct arena *arena,
			    struct store_alert *out, struct err *e);

/* How many nobody has acknowledged, by level. tenant 0: of all. */
#define STORE_ALERT_LEVELS 8
MUST_USE int store_alerts_open(struct store *store, uint64_t tenant, uint64_t open[STORE_ALERT_LEVELS], struct err *e);

/* What a day looked like. tenant 0: of all. */
#define STORE_SECURITY_ROWS 64
struct store_security {
	struct { const char *name; uint64_t n, sum; } kinds[STORE_SECURITY_ROWS];     /* jobs that showed it, how often */
	struct { const char *name; uint64_t score, n; } tenants[STORE_SECURITY_ROWS]; /* weights together, signals */
	struct store_refusal calls[STORE_SECURITY_ROWS];
	size_t n_kinds, n_tenants, n_calls;
	uint64_t open[STORE_ALERT_LEVELS];      /* alerts nobody has acknowledged, by level */
};
MUST_USE int store_security(struct store *store, uint64_t tenant, uint64_t since_ms, struct arena *arena,
			    struct store_security *out, struct err *e);
