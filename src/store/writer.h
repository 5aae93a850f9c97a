/* What the store's own files share: one operation of the writer's, and what the writer knows while it runs one.
 * An operation is a function that runs inside a transaction; if it fails, what it wrote is undone alone. */
#pragma once

#include <pthread.h>
#include <stdlib.h>

#include "store/crash.h"
#include "store/db.h"
#include "store/fair.h"
#include "store/store_list.h"

#define BATCH_OPS 256
#define DAY_MS    UINT64_C(86400000)

struct writer;
struct op;
/* 0; OP_UNDO: its answer stands, what it wrote does not; -1 */
typedef int op_run(struct writer *w, struct op *op, struct err *e);
#define OP_UNDO 1

struct op {
	struct op *next;
	op_run *run;
	store_done *done;
	void *at;
	void *input;            /* of run's own type, in the arena, as is all it points to */
	struct arena arena;
	struct store_answer answer;
	struct store_item *items;       /* answer.items while they are written */
	struct store_change *changes;   /* moves it made */
	size_t n_changes, cap_changes;
	bool is_durable;        /* somebody is told of it */
	bool is_told;           /* a claim whose leases were handed over before the commit */
};

/* What an operation did to the counters in memory, so that undoing it undoes that too. */
struct count {
	uint64_t tenant;
	const char *class;      /* in the operation's arena */
	int64_t ready, running, queued, memory;
};

struct writer {
	struct db *db;
	struct store_options options;
	struct store_id boot;
	uint64_t wall_ms, steady_ms;    /* of this transaction */
	struct fair fair;
	struct count *counts;   /* of this transaction */
	size_t n_counts, cap_counts;
	struct op *parked;
	uint64_t again_ms;      /* steady clock: when the parked claim may find more */
	uint64_t sync_tenant;   /* this must lie on the disk though nobody is told: see claim.c */
	bool is_sick;           /* the disk failed: nothing before db_heal() */
	bool must_load;         /* fair is no longer what the rows say */
	bool has_more;          /* the reaper has more to do now */
	struct store *store;    /* whose it is */
};

struct store {
	struct writer writer;   /* the writer's thread's, once it runs */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct op *first, **last;       /* waiting; with the lock */
	struct op *done, **done_last;   /* to be delivered; with the lock */
	bool is_closing, has_thread;
	int done_fd, lock_fd;
	struct store_figures figures;   /* with the lock */
	struct db *reader;      /* the caller's thread's */
	bool is_gathering, has_gathered;        /* the same */
	struct {
		store_changed *changed;
		void *at;
	} watchers[STORE_WATCHERS];
	size_t n_watchers;
	struct rate *rates;     /* requests; the caller's thread's */
	size_t n_rates, cap_rates;
	struct store_options options;
};

/* Makes an operation with room for its input; submit hands it to the writer. */
struct op *op_new(op_run *run, size_t input, store_done *done, void *at);
void op_submit(struct store *store, struct op *op);
void op_free(struct op *op);
/* n items, all DONE. One has been made for each operation. */
struct store_item *op_items(struct op *op, size_t n);
struct store_bytes op_copy(struct op *op, struct store_bytes bytes);
const char *op_text(struct op *op, const char *text);   /* NULL is "" */

/* Changes the counters in memory along with the rows. */
void writer_count(struct writer *w, const struct count *more);
/* One transaction with the first of these operations, in order; each has its answer then. Returns how many. */
size_t writer_batch(struct writer *w, struct op **ops, size_t n);
/* The same, and hands the answers over; the rest moves to the front. take: adds what waits, with the lock held. */
void writer_turn(struct store *store, struct op **ops, size_t *n);
size_t writer_take(struct store *store, struct op **ops, size_t n);
void writer_deliver(struct store *store, struct op *op);
/* Reads the counters in memory from the rows. */
MUST_USE int writer_load(struct writer *w, struct err *e);
void *writer_thread(void *store);

/* The one function of each that runs without being asked. */
int reap_run(struct writer *w, struct op *op, struct err *e);
int audit_reap(struct writer *w, size_t *n, struct err *e);
int hook_reap(struct writer *w, size_t *n, struct err *e);
int claim_again(struct writer *w, struct op *op, struct err *e);
MUST_USE int recover(struct writer *w, struct err *e);
MUST_USE int schema_bring(struct db *db, struct err *e);

/* Deliveries to those who want to hear of it, in the same transaction. */
struct store_alert;
MUST_USE int hook_tell_job(struct writer *w, const struct store_job *job, struct err *e);
MUST_USE int hook_tell_alert(struct writer *w, const struct store_alert *alert, struct err *e);

struct store_id id_new_at(uint64_t wall_ms);
