/* Tenants, their keys, quotas and usage, and the audit chain. Reads and writes as in store.h. */
#pragma once

#include "store/store_list.h"

enum store_threat { STORE_OWN, STORE_KNOWN, STORE_HOSTILE };
struct store_tenant {
	uint64_t id;                    /* 0: a new one */
	const char *name;               /* [A-Za-z0-9._-]{1,64}, unique */
	bool is_suspended;              /* no key of it opens anything, none of its jobs starts */
	const char *suspended_why;      /* "": nobody said */
	uint32_t weight;                /* 1..1000: share of the boxes against other tenants */
	enum store_threat threat;
	const char *boundary_min;       /* a boundary's name or "" */
	/* 0: without bound. */
	uint64_t max_queued, max_running, starts_per_s, requests_per_s, cpu_ms_per_day, blob_bytes;
	uint64_t memory_bytes;          /* of its running jobs' limits together: the next one waits */
	uint64_t sessions;              /* jobs that take input while they run, queued or running */
	uint64_t kept_bytes;            /* of blobs, artefacts and output */
	uint64_t audit_keep_ms;         /* rows of its chain go when they are older, but for a checkpoint */
	uint64_t retention_ms;          /* the most that a ttl may ask for */
	struct store_bytes policy;      /* the API's own settings, JSON */
	uint64_t created_ms;
};
/* items[0].number is the id; TAKEN: the name is another's; MISSING: no tenant of that id. */
void store_tenant_put(struct store *store, const struct store_tenant *tenant, store_done *done, void *at);
STORE_FOUND store_tenant_get(struct store *store, uint64_t id, struct arena *arena, struct store_tenant *out,
			     struct err *e);
STORE_FOUND store_tenant_find(struct store *store, const char *name, struct arena *arena, struct store_tenant *out,
			      struct err *e);
/* In the order of ids, after `after`. */
MUST_USE int store_tenant_list(struct store *store, uint64_t after, size_t limit, struct arena *arena,
			       struct store_tenant **out, size_t *n, struct err *e);

/* "wk_<8 public>_<43 secret>": the secret is 256 random bits, of which only the SHA-256 is kept. */
#define STORE_KEY_PUBLIC 9
#define STORE_KEY_TEXT   56
enum store_scope {
	STORE_JOBS_WRITE = 1, STORE_JOBS_READ = 2, STORE_SESSIONS = 4, STORE_SECRETS_WRITE = 8, STORE_ADMIN_TENANT = 16,
	STORE_ADMIN_OPERATOR = 32, STORE_METRICS = 64, STORE_SCOPES = 127
};
struct store_key {
	char public[STORE_KEY_PUBLIC];
	uint64_t tenant;
	const char *name;
	uint32_t scopes;
	uint64_t created_ms, expires_ms;        /* 0: never */
	bool is_revoked;
};
/* Makes the text and its public part: written once, to be shown once. Then store_key_put() keeps it. */
MUST_USE int store_key_make(char text[STORE_KEY_TEXT], char public[STORE_KEY_PUBLIC], struct err *e);
void store_key_put(struct store *store, const struct store_key *key, const char *text, store_done *done, void *at);
void store_key_revoke(struct store *store, uint64_t tenant, const char *public, store_done *done, void *at);
/* 1: the text is a key that is neither revoked nor expired. As slow for a wrong secret as for a right one. */
STORE_FOUND store_key_find(struct store *store, const char *text, size_t len, struct arena *arena,
			   struct store_key *out, struct err *e);
/* The same by the public part alone, for who has shown the text before. */
STORE_FOUND store_key_get(struct store *store, const char *public, struct arena *arena, struct store_key *out, struct err *e);
MUST_USE int store_key_list(struct store *store, uint64_t tenant, struct arena *arena, struct store_key **out,
			    size_t *n, struct err *e);

/* Takes one request out of the tenant's bucket, which holds as much as ten seconds bring: 0, or how many ms to wait.
 * In memory alone. */
uint64_t store_request_take(struct store *store, const struct store_tenant *tenant);

struct store_usage {
	uint64_t queued, running, created, ended[JOB_STATES];
	uint64_t cpu_us_today, cpu_us, wall_us, blobs, blob_bytes, memory_bytes, sessions, output_bytes;
};
/* Tenant 0: of all together. */
STORE_FOUND store_usage_get(struct store *store, uint64_t tenant, struct store_usage *out, struct err *e);
/* Age of the job that waits longest; 0: none. */
uint64_t store_queue_oldest_ms(struct store *store, uint64_t tenant);

/* Every job that was ever accepted has ended or is there: accepted - ended - live is 0, always. Read from the rows, in
 * one moment; it counts the jobs that live one by one. */
struct store_ledger {
	uint64_t accepted, ended, live;
};
MUST_USE int store_ledger_get(struct store *store, struct store_ledger *out, struct err *e);

/* Who did what: each row holds the hash of the one before it, a chain a tenant. Each result is in it. */
struct store_audit {
	uint64_t tenant, seq, at_ms;
	const char *actor, *action, *subject;   /* public part of a key, "job.create", an id */
	struct store_bytes detail;
	struct digest before, digest;
};
void store_audit_append(struct store *store, const struct store_audit *entry, store_done *done, void *at);
MUST_USE int store_audit_list(struct store *store, uint64_t tenant, uint64_t after_seq, size_t limit,
			      struct arena *arena, struct store_audit **out, size_t *n, struct err *e);
/* Where the chain begins when older rows were let go (audit_keep_ms): the last of them. */
struct store_checkpoint {
	uint64_t seq, at_ms;
	struct digest digest;
};
STORE_FOUND store_checkpoint_get(struct store *store, uint64_t tenant, struct store_checkpoint *out, struct err *e);
/* Looks at the next `most` rows of the chain, from all zero on, and remembers how far it came.
 *
 * Returns STORE_MORE; 1: it holds to its end; 0: *broken is the first row that does not; -1 */
#define STORE_MORE 2
struct store_audit_walk {
	uint64_t seq;           /* of the last row that holds, and its digest */
	struct digest digest;
};
STORE_FOUND store_audit_walk(struct store *store, uint64_t tenant, size_t most, struct store_audit_walk *walk,
			     uint64_t *broken, struct err *e);
/* All of it: STORE_MORE is none of its answers. */
STORE_FOUND store_audit_check(struct store *store, uint64_t tenant, uint64_t *broken, struct err *e);
