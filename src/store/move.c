/* Moves. Each reads nothing but the row it was given, and writes it only where nobody else did in between. */
#include "store/move.h"

#include <assert.h>
#include <string.h>

#define PRIORITY_MS 60000       /* of waiting, that one step of priority is worth: so that nothing waits for ever */
#define PAUSE_MAX   UINT64_C(300000)

/* Reading the columns in the order of Q_JOB_READ. */
void job_columns(struct db_rows *rows, struct arena *arena, struct job_row *out)
{
	struct store_job *const job = &out->job;

	*out = (struct job_row){ .was = (enum job_state)db_column(rows, 2) };
	job->tenant = db_column(rows, 0);
	job->id = db_column_id(rows, 1);
	job->state = out->was;
	job->version = db_column(rows, 3);
	job->fence = out->was_fence = db_column(rows, 4);
	job->attempt = (uint32_t)db_column(rows, 5);
	job->max_attempts = (uint32_t)db_column(rows, 6);
	job->priority = (uint32_t)db_column(rows, 7);
	job->reason = (enum job_reason)db_column(rows, 8);
	job->is_cancel_asked = db_column(rows, 9);
	job->last_seq = db_column(rows, 10);
	job->created_ms = db_column(rows, 11);
	job->started_ms = db_column(rows, 12);
	job->ended_ms = db_column(rows, 13);
	job->deadline_ms = db_column(rows, 14);
	out->ttl_ms = db_column(rows, 15);
	job->purge_ms = db_column(rows, 16);
	out->lease_until_ms = db_column(rows, 17);
	out->pause_until_ms = db_column(rows, 18);
	job->name = db_column_text(rows, 19, arena);
	job->runtime = db_column_text(rows, 20, arena);
	job->boundary = db_column_text(rows, 21, arena);
	job->class = db_column_text(rows, 22, arena);
	out->webhook = db_column_text(rows, 23, arena);
	out->memory_bytes = db_column(rows, 24);
	out->is_session = db_column(rows, 25);
}

int job_read(struct writer *w, struct op *op, uint64_t tenant, const struct store_id *id, struct job_row *row,
	     struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_JOB_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e);

	if (found != 1)
		return found;
	job_columns(rows, &op->arena, row);
	db_end(rows);
	return 1;
}

int job_read_held(struct writer *w, struct op *op, const struct store_hold *hold, struct job_row *row, struct err *e)
{
	const int found = job_read(w, op, hold->tenant, &hold->id, row, e);

	return found == 1 ? row->job.fence == hold->fence && job_state_is_held(row->job.state) : found;
}

void item_set(struct store_item *item, enum store_outcome outcome, const struct job_row *row)
{
	item->outcome = outcome;
	item->id = row->job.id;
	item->state = row->job.state;
	item->version = row->job.version;
}

static int event_add_at(struct writer *w, struct job_row *row, uint64_t at_ms, const char *kind, struct store_bytes document,
			struct err *e)
{
	return db_run_one(w->db, Q_EVENT_INSERT,
			  DB_WITH(db_number(row->job.tenant), db_id(&row->job.id), db_number(row->job.last_seq),
				  db_number(at_ms), db_text(kind), db_number(row->job.state),
				  db_bytes(document.at, document.len)), e);
}

int event_add(struct writer *w, struct job_row *row, const char *kind, struct store_bytes document, struct err *e)
{
	return event_add_at(w, row, w->wall_ms, kind, document, e);
}

static int64_t score_of(const struct job_row *row)
{
	return (int64_t)row->job.created_ms - (int64_t)row->job.priority * PRIORITY_MS;
}

static int queue_add(struct writer *w, const struct job_row *row, struct err *e)
{
	return db_run_one(w->db, Q_QUEUE_INSERT,
			  DB_WITH(db_number(row->job.tenant), db_text(row->job.class), db_signed(score_of(row)),
				  db_id(&row->job.id)), e);
}

static int queue_drop(struct writer *w, const struct job_row *row, struct err *e)
{
	return db_run_one(w->db, Q_QUEUE_DELETE,
			  DB_WITH(db_number(row->job.tenant), db_text(row->job.class), db_signed(score_of(row)),
				  db_id(&row->job.id)), e);
}

/* Counters in the row and in memory. live: of jobs that have not ended. */
static int count(struct writer *w, const struct job_row *row, int64_t queued, int64_t running, int64_t ready, int64_t live,
		 struct err *e)
{
	const int64_t memory = running * (int64_t)row->memory_bytes;
	const struct count more = { row->job.tenant, row->job.class, ready, running, queued, memory };

	if ((queued || running || live) &&
	    db_run_one(w->db, Q_USAGE_MOVE,
		       DB_WITH(db_signed(queued), db_signed(running), db_signed(memory), db_signed(row->is_session ? live : 0),
			       db_number(row->job.tenant)), e) < 0)
		return -1;
	writer_count(w, &more);
	return 0;
}

static void tell(struct op *op, const struct job_row *row, enum job_state from)
{
	op->changes = mem_grow(op->changes, &op->cap_changes, op->n_changes + 1, sizeof(*op->changes));
	op->changes[op->n_changes++] = (struct store_change){
		.tenant = row->job.tenant, .version = row->job.version, .seq = row->job.last_seq, .fence = row->job.fence,
		.id = row->job.id, .from = from, .to = row->job.state, .is_cancel_asked = row->job.is_cancel_asked,
		.reason = row->job.reason, .class = row->job.class,
	};
}

static int row_update(struct writer *w, struct job_row *row, struct err *e)
{
	const struct store_job *const job = &row->job;

	if (db_run_one(w->db, Q_JOB_UPDATE,
		       DB_WITH(db_number(job->state), db_number(job->version), db_number(job->fence),
			       db_number(job->attempt), db_number(job->reason), db_number(job->is_cancel_asked),
			       db_number(job->last_seq), db_number(job->started_ms), db_number(job->ended_ms),
			       db_number(job->purge_ms), row->lease_until_ms ? db_id(&w->boot) : db_text(NULL),
			       db_number(row->lease_until_ms), db_number(row->pause_until_ms),
			       db_number(job->tenant), db_id(&job->id), db_number(row->was_fence),
			       db_number(row->was)), e) < 0)
		return -1;
	row->was = job->state;
	row->was_fence = job->fence;
	return 0;
}

int job_enter(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	struct store_job *const job = &row->job;

	job->state = row->was = JOB_QUEUED;
	job->version = job->last_seq = 1;
	if (db_run_one(w->db, Q_JOB_INSERT,
		       DB_WITH(db_number(job->tenant), db_id(&job->id), db_number(JOB_QUEUED),
			       db_number(job->max_attempts), db_number(job->priority), db_number(job->created_ms),
			       db_number(job->deadline_ms), db_number(row->ttl_ms), db_text(job->name),
			       db_text(job->runtime), db_text(job->boundary), db_text(job->class),
			       db_text(row->webhook), db_number(row->memory_bytes), db_number(row->is_session)), e) < 0 ||
	    queue_add(w, row, e) < 0 || event_add(w, row, "state", (struct store_bytes){ NULL, 0 }, e) < 0 ||
	    count(w, row, 1, 0, 1, 1, e) < 0)
		return -1;
	tell(op, row, JOB_QUEUED);
	return 0;
}

/* What a move means for the lease and the times. */
static void settle(struct writer *w, struct job_row *row, enum job_state from, enum job_state to)
{
	struct store_job *const job = &row->job;

	if (from == JOB_QUEUED && to == JOB_LEASED) {
		job->fence++;
		job->attempt++;
		job->started_ms = 0;
		row->lease_until_ms = w->steady_ms + w->options.lease_ms;
	}
	if (to == JOB_RUNNING || (to == JOB_FINISHING && !job->started_ms))
		job->started_ms = w->wall_ms;
	if (!job_state_is_held(to))
		row->lease_until_ms = 0;
	if (to != JOB_QUEUED)
		row->pause_until_ms = 0;
	if (job_state_is_final(to)) {
		job->ended_ms = w->wall_ms;
		job->purge_ms = w->wall_ms + row->ttl_ms;
	}
}

int job_move(struct writer *w, struct op *op, struct job_row *row, enum job_state to, struct err *e)
{
	const enum job_state from = row->job.state;
	const bool was_ready = from == JOB_QUEUED && !row->pause_until_ms;
	const int64_t held = (int64_t)job_state_is_held(to) - (int64_t)job_state_is_held(from);
	bool is_ready;

	if (!job_state_may_move(from, to))
		return err_set(e, ERR_BUG, "no job moves from %s to %s", job_state_name(from), job_state_name(to));
	settle(w, row, from, to);
	row->job.state = to;
	row->job.version++;
	row->job.last_seq++;
	is_ready = to == JOB_QUEUED && !row->pause_until_ms;
	if (row_update(w, row, e) < 0)
		return -1;
	crash_at(CRASH_MOVE_UPDATED);
	if ((was_ready && queue_drop(w, row, e) < 0) || (is_ready && queue_add(w, row, e) < 0) ||
	    count(w, row, (to == JOB_QUEUED) - (from == JOB_QUEUED), held, is_ready - was_ready, -(int64_t)job_state_is_final(to),
		  e) < 0)
		return -1;
	crash_at(CRASH_MOVE_COUNTED);
	if (event_add(w, row, "state", (struct store_bytes){ NULL, 0 }, e) < 0)
		return -1;
	tell(op, row, from);
	crash_at(CRASH_MOVE_DONE);
	return 0;
}

int job_pass(struct writer *w, struct op *op, struct job_row *row, enum job_state state, uint64_t at_ms, struct err *e)
{
	const enum job_state from = row->job.state;

	assert(job_state_may_move(from, state) && job_state_is_held(from) && job_state_is_held(state));
	settle(w, row, from, state);
	row->job.started_ms = at_ms < w->wall_ms ? at_ms : w->wall_ms;
	row->job.state = state;
	row->job.version++;
	row->job.last_seq++;
	if (event_add_at(w, row, row->job.started_ms, "state", (struct store_bytes){ NULL, 0 }, e) < 0)
		return -1;
	tell(op, row, from);
	return 0;
}

int job_resume(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	(void)op;
	row->pause_until_ms = 0;
	return row_update(w, row, e) < 0 || queue_add(w, row, e) < 0 || count(w, row, 0, 0, 1, 0, e) < 0 ? -1 : 0;
}

int job_ask_cancel(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	row->job.is_cancel_asked = true;
	row->job.version++;
	row->job.last_seq++;
	if (row_update(w, row, e) < 0 || event_add(w, row, "cancel", (struct store_bytes){ NULL, 0 }, e) < 0)
		return -1;
	tell(op, row, row->job.state);
	return 0;
}

int attempt_end(struct writer *w, const struct job_row *row, enum job_state outcome, enum job_reason reason,
		const char *why, struct err *e)
{
	return db_run_one(w->db, Q_ATTEMPT_END,
			  DB_WITH(db_number(row->job.started_ms), db_number(w->wall_ms), db_number(outcome),
				  db_number(reason), db_text(why), db_number(row->job.tenant), db_id(&row->job.id),
				  db_number(row->job.fence)), e);
}

static uint64_t pause_ms(const struct writer *w, uint32_t attempt)
{
	const unsigned doublings = attempt > 20 ? 20 : attempt ? attempt - 1 : 0;
	const uint64_t pause = w->options.backoff_ms << doublings;

	return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

int job_give_back(struct writer *w, struct op *op, struct job_row *row, enum job_reason reason, const char *why,
		  bool at_once, struct err *e)
{
	const bool is_last = !at_once && row->job.attempt >= row->job.max_attempts;
	const enum job_state to = row->job.is_cancel_asked ? JOB_CANCELLED : is_last ? JOB_INFRA_FAILED : JOB_QUEUED;
	const struct store_finish end = { .state = to, .reason = to == JOB_CANCELLED ? REASON_NONE : reason,
					  .exit_code = -1 };

	if (attempt_end(w, row, to, reason, why, e) < 0)
		return -1;
	crash_at(CRASH_REQUEUE_ATTEMPT);
	if (to != JOB_QUEUED)
		return job_end(w, op, row, &end, e);
	row->job.reason = reason;
	row->pause_until_ms = at_once || reason == REASON_RESTART ? 0 : w->steady_ms + pause_ms(w, row->job.attempt);
	row->job.attempt -= at_once;
	if (job_move(w, op, row, JOB_QUEUED, e) < 0)
		return -1;
	crash_at(CRASH_REQUEUE_DONE);
	return 0;
}
