/* Webhooks and what is to be delivered to them. A delivery lies on the disk with what it tells of, and is tried until it
 * was taken or is too old. Reads and writes as in store.h. */
#pragma once

#include "store/store_tenant.h"

#define STORE_HOOKS_MAX     16          /* of a tenant */
#define STORE_HOOK_PENDING  10000       /* of a hook; what comes then is counted and not told */
#define STORE_DELIVERY_KEPT (7 * UINT64_C(86400000))

enum store_hook_event { STORE_HOOK_ALERT = 1, STORE_HOOK_JOB = 2, STORE_HOOK_EVENTS = 3 };
struct store_hook {
	uint64_t tenant, created_ms, pending, dropped;
	struct store_id id;
	const char *url;
	uint32_t events;
	bool is_of_all;                 /* alerts of every tenant */
	uint8_t secret[SHA256_BYTES];
};
/* QUOTA_QUEUED: the tenant has as many as it may. */
void store_hook_put(struct store *store, const struct store_hook *hook, store_done *done, void *at);
/* With its deliveries. MISSING: it is not this tenant's. */
void store_hook_remove(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at);
MUST_USE int store_hook_list(struct store *store, uint64_t tenant, struct arena *arena, struct store_hook **out, size_t *n,
			     struct err *e);

struct store_delivery {
	uint64_t tenant, created_ms, next_ms, ended_ms; /* next 0: it is over; then status says whether it was taken */
	struct store_id hook, id;
	const char *kind, *url, *why;   /* url, body: of those that are due */
	struct store_bytes body;
	uint8_t secret[SHA256_BYTES];
	uint32_t tries, status;
};
/* Those whose time has come, the longest waiting first. */
MUST_USE int store_delivery_due(struct store *store, size_t limit, struct arena *arena, struct store_delivery **out, size_t *n,
				struct err *e);
/* Newest first, of one hook. */
MUST_USE int store_delivery_list(struct store *store, uint64_t tenant, const struct store_id *hook, size_t limit,
				 struct arena *arena, struct store_delivery **out, size_t *n, struct err *e);
/* It was tried: status 0 with a reason when there was no answer. 2xx is the end; else it is tried again after 5 s, 15 s,
 * 1 min, ... up to a day, and given up three days after it was made. */
void store_delivery_tried(struct store *store, const struct store_delivery *delivery, uint32_t status, const char *why,
			  store_done *done, void *at);
/* From its beginning, at once. MISSING. */
void store_delivery_again(struct store *store, uint64_t tenant, const struct store_id *hook, const struct store_id *id,
			  store_done *done, void *at);

struct store_hook_figures {
	uint64_t pending, dropped, oldest_ms;   /* how long the delivery waits that waits longest; 0: none */
};
MUST_USE int store_hook_figures(struct store *store, struct store_hook_figures *out, struct err *e);
