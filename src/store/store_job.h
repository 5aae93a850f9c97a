/* A job's life in the store. Each function that writes calls `done` once, from store_turn(); NULL: nobody asks. */
#pragma once

#include "store/store.h"

#define STORE_NAME_MAX   64     /* bytes of names, runtimes, boundaries, classes, labels' names */
#define STORE_KEY_MAX    128    /* of idempotency keys and labels' values */
#define STORE_BATCH_MAX  1000
#define STORE_LABELS_MAX 32

struct store_label {
	const char *name, *value;
};

struct store_create {
	uint64_t tenant;
	struct store_bytes document;    /* canonical: hashed for idempotency, kept, handed out with each lease */
	const char *name, *runtime, *boundary;
	const char *class;              /* what a claim asks for: jobs that the same kind of box takes */
	const struct store_label *labels;
	size_t n_labels;
	const struct digest *blobs;     /* that it needs; one that is missing is STORE_MISSING */
	size_t n_blobs;
	uint32_t priority;              /* 0..9, 9 first; each step is worth a minute of waiting */
	uint32_t max_attempts;          /* at least 1 */
	uint64_t ttl_ms;                /* its rows and files are kept that long after its end; 0: a day */
	uint64_t deadline_ms;           /* wall clock; not started later; 0: none */
	const char *key;                /* idempotency key or NULL */
	const char *webhook;            /* told of the end, or NULL */
	uint64_t memory_bytes;          /* that it may have while it runs */
	bool is_session;                /* takes input while it runs */
};

/* items[i] is jobs[i]: DONE and REPLAYED have the id (version 0: that job was purged since). all_or_none: one that
 * fails makes the others NOT_APPLIED. */
void store_job_create(struct store *store, const struct store_create *job, store_done *done, void *at);
void store_job_create_batch(struct store *store, const struct store_create *jobs, size_t n, bool all_or_none,
			    store_done *done, void *at);

/* The right to run one attempt. Whoever writes for the job shows tenant, id and fence; an old fence is STORE_FENCED. */
struct store_hold {
	uint64_t tenant, fence;
	struct store_id id;
};
struct store_lease {
	struct store_hold hold;
	uint32_t attempt, max_attempts; /* 1 is the first */
	uint64_t until_ms;              /* steady clock; store_job_beat() moves it on */
	uint64_t created_ms;            /* wall clock */
	const char *class, *runtime, *boundary;
	struct store_bytes document;
};

/* Leases up to `max` jobs whose class has room, fairly between tenants. With `wait` the claim stays until at least
 * one can be had: it then rides in the transaction of the create. A claim that waits is answered, with no lease, by
 * the next claim, by a job that was too late, and by the end. */
struct store_room {
	const char *class;
	size_t room;
};
void store_job_claim(struct store *store, const struct store_room *rooms, size_t n_rooms, size_t max, bool wait,
		     store_done *done, void *at);

/* What is asked for in between wakes the writer once, and so shares a transaction. */
void store_gather(struct store *store);
void store_go(struct store *store);

/* starting, running or finishing. Not waited for by anybody: lost with the power, not with the process. */
void store_job_move(struct store *store, const struct store_hold *hold, enum job_state to, store_done *done, void *at);

/* Moves the ends of these leases on. items[i].outcome: DONE or FENCED; .state CANCELLED: it is to be stopped. */
void store_job_beat(struct store *store, const struct store_hold *holds, size_t n, store_done *done, void *at);

struct store_artifact {
	const char *name;               /* data, never a path */
	struct digest digest;
	struct store_id file;           /* see store_blob.h */
	uint64_t bytes;
};
/* What a job wrote: standard output, standard error, and by which turns (serve/mix.h). */
enum { STORE_OUT, STORE_ERR, STORE_MIX, STORE_KEPT };
struct store_finish {
	enum job_state state;           /* succeeded, failed, timed_out, cancelled, rejected, infra_failed */
	enum job_reason reason;
	int exit_code, signal;          /* -1, 0: it did not exit, was not killed */
	uint64_t cpu_us, wall_us;
	uint64_t out_bytes, err_bytes;
	struct store_bytes document;    /* the result as JSON */
	struct store_bytes small[STORE_KEPT];   /* NULL: in its file, if anywhere */
	uint64_t kept_bytes;            /* of all three, wherever they are */
	uint64_t started_ms;            /* it ran from then on, and nobody has said so yet; 0: that was said */
	const struct store_artifact *artifacts;
	size_t n_artifacts;
};
/* Records the one result: DONE; REPLAYED when this very result is recorded; FENCED. */
void store_job_finish(struct store *store, const struct store_hold *hold, const struct store_finish *finish,
		      store_done *done, void *at);

/* Gives the job back for no fault of its own: REQUEUED after a pause, or DONE with state infra_failed when that was
 * the last attempt, or cancelled when that was asked for. At once: nothing was tried (an empty pool), the attempt
 * does not count and there is no pause. */
void store_job_requeue(struct store *store, const struct store_hold *hold, enum job_reason reason, const char *why,
		       bool at_once, store_done *done, void *at);

/* DONE: cancelled in its queue; STOPPING: its holder must; FINAL; MISSING. */
void store_job_cancel(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at);
/* Removes a job that has ended, with its rows; files go by store_trash_list(). STOPPING: it has not ended. */
void store_job_purge(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at);

/* What the tick does: leases past their end, deadlines, pauses that are over, retention; a bounded piece of each.
 * items[0].number: rows it touched; 0 when nothing is left to do now. */
void store_reap(struct store *store, store_done *done, void *at);

/* One more row in the job's stream of events: STORE_MISSING; items[0].number is its seq. */
void store_event_append(struct store *store, uint64_t tenant, const struct store_id *id, const char *kind,
			struct store_bytes document, store_done *done, void *at);
