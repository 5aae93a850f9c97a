/* What the service must not lose: tenants, keys, jobs, results. SQLite in one directory, one process at a time.
 *
 * Writes are asynchronous: store_NAME() copies its input and returns; the writer's thread takes all that waits
 * into one transaction and commits it; then store_turn(), in the caller's thread, calls back, in the order of
 * the calls. A create, a finish and whatever else a client is told of lies on the disk before its callback.
 * Reads are at once, in the caller's thread, and see every write whose callback was called.
 *
 * store_job.h     create, claim, hold, finish, cancel, purge
 * store_list.h    jobs, events, results as clients read them
 * store_tenant.h  tenants, keys, quotas, usage, audit
 * store_blob.h    rows of blobs and artefacts, files that may go */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hist.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "store/state.h"

struct store;

/* Of jobs, batches of events, files of blobs: 48 bits of time, for the index's sake, and 80 random ones. */
struct store_id {
	uint8_t bytes[16];
};
#define STORE_ID_TEXT 33        /* lower-case hexadecimal digits and the NUL */
struct store_id store_id_new(void);
void store_id_write(const struct store_id *id, char out[STORE_ID_TEXT]);
bool store_id_read(const char *text, size_t len, struct store_id *out);

struct store_bytes {
	const void *at;
	size_t len;
};

/* Where time comes from: real ones where NULL. wall_ms is UTC since 1970 and may jump; steady_ms never goes back. */
struct store_clock {
	uint64_t (*wall_ms)(void *at);
	uint64_t (*steady_ms)(void *at);
	void *at;
};

struct store_options {
	const char *dir;        /* made with mode 0700 when it is missing; one store a directory */
	uint64_t lease_ms;      /* 0: 30,000 */
	uint64_t tick_ms;       /* of leases, deadlines and retention; 0: 1,000; UINT64_MAX: only store_reap() */
	uint64_t backoff_ms;    /* before a second attempt, doubled for each further one; 0: 1,000 */
	uint64_t max_queued;    /* of all tenants together; 0: 1,000,000 */
	uint64_t max_wait_ms;   /* no job is taken that would wait longer, as its tenant's queue drains now; 0: any */
	struct store_clock clock;
	bool is_inline;         /* no thread: store_turn() itself does what waits */
};

/* Opens or makes the store, brings an older schema up to date, and puts every job that an earlier process held back
 * into its queue.
 *
 * Errors: ERR_CONFLICT: another process has it; ERR_UNSUPPORTED: written by a newer ward; ERR_SYSTEM */
MUST_USE int store_open(const struct store_options *options, struct store **out, struct err *e);

/* Carries out what was asked for, calls back, closes. NULL is nothing. */
void store_close(struct store *store);

/* Readable when store_turn() has something to deliver. The store's own. */
int store_fd(const struct store *store);
/* Calls back for all that is done, and every watcher for every move; no call of a watcher is later than the callback of
 * the write that made the move. */
void store_turn(struct store *store);

/* How its writer fares, since it was opened. Any time, from the caller's thread. */
struct store_figures {
	struct hist commit;             /* of transactions, from their begin to the disk */
	uint64_t operations;
};
struct store_figures store_figures(struct store *store);

enum store_outcome {
	STORE_DONE,             /* as asked */
	STORE_REPLAYED,         /* the same was asked for before: nothing happened now */
	STORE_MISMATCH,         /* that idempotency key came with another document before */
	STORE_MISSING,          /* no such tenant, job, key, blob: nothing happened */
	STORE_TAKEN,            /* that name belongs to another */
	STORE_SUSPENDED,        /* the tenant may not create jobs */
	STORE_QUOTA_QUEUED, STORE_QUOTA_CPU, STORE_QUOTA_BLOBS, STORE_QUOTA_SESSIONS, STORE_QUOTA_KEPT, /* of the tenant; see retry_ms */
	STORE_QUOTA_MEMORY,     /* it asks for more than the tenant may have at once: waiting does not help */
	STORE_QUEUE_WAIT,       /* the tenant's jobs would wait longer than they may; see retry_ms */
	STORE_QUEUE_FULL,       /* of all; see retry_ms */
	STORE_FENCED,           /* somebody else has the job by now, or nobody: kill the box, write nothing */
	STORE_FINAL,            /* the job has ended; state and version say how */
	STORE_STOPPING,         /* cancel: somebody holds it and must stop it (the watchers were told) */
	STORE_REQUEUED,         /* another attempt will be made */
	STORE_NOT_APPLIED,      /* another item of an atomic batch failed */
	STORE_OUTCOMES
};
const char *store_outcome_name(enum store_outcome outcome);

struct store_item {
	enum store_outcome outcome;
	enum job_state state;
	struct store_id id;
	uint64_t version;       /* of the job; raised by each move */
	uint64_t retry_ms;      /* of a quota: when it is worth trying again, from the rate of the last minutes */
	uint64_t number;        /* what else there is: a tenant's id, rows purged, ... */
};

struct store_lease;

/* What became of a write; lives as long as the call. */
struct store_answer {
	struct err err;         /* kind not ERR_NONE: nothing happened (disk full, locked, damaged); asking again may help */
	enum store_outcome outcome;             /* of the first item */
	const struct store_item *items;         /* as many as were asked for; one of most calls */
	size_t n_items;
	const struct store_lease *leases;       /* of a claim, see store_job.h */
	size_t n_leases;
};
typedef void store_done(void *at, const struct store_answer *answer);
