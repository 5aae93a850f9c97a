/* A job's row inside a transaction, and the only functions that write its state. Whatever follows from a move (the
 * queue, the counters, the event, what watchers are told) is done here, so that it cannot be forgotten elsewhere. */
#pragma once

#include "store/writer.h"

struct job_row {
	struct store_job job;           /* the strings in the operation's arena */
	enum job_state was;             /* the row as it was read */
	uint64_t was_fence;
	uint64_t ttl_ms, lease_until_ms, pause_until_ms, memory_bytes;
	bool is_session;
	const char *webhook;            /* "" without one */
};

/* One job among an operation's input. */
struct which {
	uint64_t tenant;
	struct store_id id;
};

/* Reads one: 1, 0: there is none, -1. */
MUST_USE int job_read(struct writer *w, struct op *op, uint64_t tenant, const struct store_id *id, struct job_row *row,
		      struct err *e);
/* The same for who shows a hold: 0 as well when it is not theirs any more. */
MUST_USE int job_read_held(struct writer *w, struct op *op, const struct store_hold *hold, struct job_row *row,
			   struct err *e);

/* The first state, JOB_QUEUED, of a row that is not there yet. */
MUST_USE int job_enter(struct writer *w, struct op *op, struct job_row *row, struct err *e);

/* Every other one. The caller sets pause_until_ms before a way back, and job.attempt and reason as they shall be. A
 * move that the table does not have is a bug, and so is a row that changed since it was read. */
MUST_USE int job_move(struct writer *w, struct op *op, struct job_row *row, enum job_state to, struct err *e);

/* A state of a lease that the job was in for so short that its row never says so: its event is there all the same. Another
 * move must follow. */
MUST_USE int job_pass(struct writer *w, struct op *op, struct job_row *row, enum job_state state, uint64_t at_ms,
		      struct err *e);

/* A final move with all that belongs to it: the result, its place in the audit chain, counters, outbox. */
MUST_USE int job_end(struct writer *w, struct op *op, struct job_row *row, const struct store_finish *finish,
		     struct err *e);
/* Its deadline passed before it was started. */
MUST_USE int job_end_late(struct writer *w, struct op *op, struct job_row *row, struct err *e);
struct digest job_result_digest(const struct store_id *id, uint64_t fence, const struct store_finish *finish);

/* Puts a job whose pause is over among those that may be leased. */
MUST_USE int job_resume(struct writer *w, struct op *op, struct job_row *row, struct err *e);
/* Somebody wants it to end; its holder is told. */
MUST_USE int job_ask_cancel(struct writer *w, struct op *op, struct job_row *row, struct err *e);
/* Notes how the row's present attempt ended, then gives the job back or ends it: see store_job_requeue(). */
MUST_USE int job_give_back(struct writer *w, struct op *op, struct job_row *row, enum job_reason reason,
			   const char *why, bool at_once, struct err *e);
MUST_USE int attempt_end(struct writer *w, const struct job_row *row, enum job_state outcome, enum job_reason reason,
			 const char *why, struct err *e);

MUST_USE int event_add(struct writer *w, struct job_row *row, const char *kind, struct store_bytes document,
		       struct err *e);

struct store_audit;
/* Adds a row to the tenant's chain; only actor, action, subject and detail are taken. */
MUST_USE int audit_add(struct writer *w, uint64_t tenant, const struct store_audit *entry, uint64_t *seq,
		       struct err *e);

/* An answer's item for this row as it is now. */
void item_set(struct store_item *item, enum store_outcome outcome, const struct job_row *row);

/* Columns of Q_JOB_READ from `first` on. */
void job_columns(struct db_rows *rows, struct arena *arena, struct job_row *out);
