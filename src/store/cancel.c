/* The ends that somebody asks for: cancel, and the removal of what has ended. */
#include "store/blob_row.h"
#include "store/move.h"

static int cancel_run(struct writer *w, struct op *op, struct err *e)
{
	static const struct store_finish cancelled = { .state = JOB_CANCELLED, .exit_code = -1 };
	const struct which *const input = op->input;
	struct store_item *const item = op_items(op, 1);
	struct job_row row;
	const int found = job_read(w, op, input->tenant, &input->id, &row, e);
	const bool is_final = found == 1 && job_state_is_final(row.job.state);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	if (row.job.state == JOB_QUEUED) {
		if (job_end(w, op, &row, &cancelled, e) < 0)
			return -1;
		crash_at(CRASH_CANCEL_ENDED);
	} else if (!is_final && !row.job.is_cancel_asked) {
		if (job_ask_cancel(w, op, &row, e) < 0)
			return -1;
		crash_at(CRASH_CANCEL_ASKED);
	}
	item_set(item, is_final ? STORE_FINAL : row.job.state == JOB_CANCELLED ? STORE_DONE : STORE_STOPPING, &row);
	return 0;
}

static void submit(struct store *store, op_run *run, uint64_t tenant, const struct store_id *id, store_done *done,
		   void *at)
{
	struct op *const op = op_new(run, sizeof(struct which), done, at);

	*(struct which *)op->input = (struct which){ tenant, *id };
	op_submit(store, op);
}

void store_job_cancel(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at)
{
	submit(store, cancel_run, tenant, id, done, at);
}

static int let_go_output(struct writer *w, uint64_t tenant, const struct store_id *id, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_RESULT_KEPT, DB_WITH(db_number(tenant), db_id(id)), &rows, e);
	int64_t bytes;

	if (found != 1)
		return found;
	bytes = db_column_signed(rows, 0);
	db_end(rows);
	return bytes ? db_run_one(w->db, Q_USAGE_KEPT, DB_WITH(db_signed(-bytes), db_number(tenant)), e) : 0;
}

/* Documents, labels, events, attempts, result and references go with the row: the schema says so. */
int job_remove(struct writer *w, uint64_t tenant, const struct store_id *id, struct err *e)
{
	const struct db_value of = db_number(tenant), which = db_id(id);

	if (let_go_output(w, tenant, id, e) < 0 ||
	    db_run_one(w->db, Q_TRASH_INSERT, DB_WITH(of, db_number(STORE_TRASH_LOG), which), e) < 0 ||
	    db_run(w->db, Q_BLOBS_LET_GO, DB_WITH(of, which, db_number(w->wall_ms)), e) < 0)
		return -1;
	crash_at(CRASH_PURGE_TRASHED);
	if (db_run_one(w->db, Q_JOB_DELETE, DB_WITH(of, which), e) < 0)
		return -1;
	crash_at(CRASH_PURGE_DELETED);
	return 0;
}

static int purge_run(struct writer *w, struct op *op, struct err *e)
{
	const struct which *const input = op->input;
	struct store_item *const item = op_items(op, 1);
	struct job_row row;
	const int found = job_read(w, op, input->tenant, &input->id, &row, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	item_set(item, STORE_STOPPING, &row);
	if (!job_state_is_final(row.job.state))
		return 0;
	item->outcome = STORE_DONE;
	return job_remove(w, input->tenant, &input->id, e);
}

void store_job_purge(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at)
{
	submit(store, purge_run, tenant, id, done, at);
}
