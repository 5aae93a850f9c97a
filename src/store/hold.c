/* What the holder of a lease may do but finish: say how far the job is, stay alive, give it back. */
#include <assert.h>
#include <string.h>

#include "store/move.h"

struct hold_move {
	struct store_hold hold;
	enum job_state to;
};

struct hold_beat {
	struct store_hold *holds;
	size_t n;
};

struct hold_back {
	struct store_hold hold;
	enum job_reason reason;
	const char *why;
	bool at_once;
};

/* Reads who shows the hold: as job_read_held(). The answer is "fenced" until something else is said. */
static int read_held(struct writer *w, struct op *op, const struct store_hold *hold, struct store_item **item,
		     struct job_row *row, struct err *e)
{
	*item = op_items(op, 1);
	(*item)->outcome = STORE_FENCED;
	return job_read_held(w, op, hold, row, e);
}

static int move_run(struct writer *w, struct op *op, struct err *e)
{
	const struct hold_move *const input = op->input;
	struct store_item *item;
	struct job_row row;
	const int found = read_held(w, op, &input->hold, &item, &row, e);

	if (found != 1)
		return found;
	/* Starting is reported by one process and running by another: late news is no news. */
	if (job_state_may_move(row.job.state, input->to) && job_move(w, op, &row, input->to, e) < 0)
		return -1;
	item_set(item, STORE_DONE, &row);
	return 0;
}

void store_job_move(struct store *store, const struct store_hold *hold, enum job_state to, store_done *done, void *at)
{
	struct op *const op = op_new(move_run, sizeof(struct hold_move), done, at);

	assert(to == JOB_STARTING || to == JOB_RUNNING || to == JOB_FINISHING);
	*(struct hold_move *)op->input = (struct hold_move){ *hold, to };
	op->is_durable = false;
	op_submit(store, op);
}

static int beat_one(struct writer *w, const struct store_hold *hold, struct store_item *item, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_BEAT,
				   DB_WITH(db_number(w->steady_ms + w->options.lease_ms), db_number(hold->tenant),
					   db_id(&hold->id), db_number(hold->fence)), &rows, e);

	if (found < 0)
		return -1;
	item->id = hold->id;
	item->outcome = found ? STORE_DONE : STORE_FENCED;
	if (!found)
		return 0;
	item->state = db_column(rows, 1) ? JOB_CANCELLED : (enum job_state)db_column(rows, 0);
	db_end(rows);
	return 0;
}

static int beat_run(struct writer *w, struct op *op, struct err *e)
{
	const struct hold_beat *const input = op->input;
	struct store_item *const items = op_items(op, input->n);

	for (size_t i = 0; i < input->n; i++)
		if (beat_one(w, &input->holds[i], &items[i], e) < 0)
			return -1;
	crash_at(CRASH_HOLD_BEAT);
	return 0;
}

void store_job_beat(struct store *store, const struct store_hold *holds, size_t n, store_done *done, void *at)
{
	struct op *const op = op_new(beat_run, sizeof(struct hold_beat), done, at);
	struct hold_beat *const input = op->input;

	input->holds = arena_alloc(&op->arena, (n + 1) * sizeof(*holds));
	input->n = n;
	if (n)
		memcpy(input->holds, holds, n * sizeof(*holds));
	op->is_durable = false;
	op_submit(store, op);
}

static int requeue_run(struct writer *w, struct op *op, struct err *e)
{
	const struct hold_back *const input = op->input;
	struct store_item *item;
	struct job_row row;
	const int found = read_held(w, op, &input->hold, &item, &row, e);

	if (found != 1)
		return found;
	if (job_give_back(w, op, &row, input->reason, input->why, input->at_once, e) < 0)
		return -1;
	item_set(item, row.job.state == JOB_QUEUED ? STORE_REQUEUED : STORE_DONE, &row);
	return 0;
}

void store_job_requeue(struct store *store, const struct store_hold *hold, enum job_reason reason, const char *why,
		       bool at_once, store_done *done, void *at)
{
	struct op *const op = op_new(requeue_run, sizeof(struct hold_back), done, at);

	*(struct hold_back *)op->input = (struct hold_back){ *hold, reason, op_text(op, why), at_once };
	op_submit(store, op);
}
