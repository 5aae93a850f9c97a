/* What happens without anybody asking: leases that ran out, pauses that are over, deadlines, retention; and, when
 * the store is opened, what the process before left behind. Each takes a bounded piece at a time. */
#include "store/blob_row.h"
#include "store/move.h"

#define PIECE  64
typedef int reap_one(struct writer *w, struct op *op, struct job_row *row, struct err *e);

static int end_lease(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	crash_at(CRASH_REAP_LEASE);
	return job_give_back(w, op, row, REASON_LEASE, "its lease ran out", false, e);
}

static int end_pause(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	crash_at(CRASH_REAP_PAUSE);
	return job_resume(w, op, row, e);
}

static int end_late(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	crash_at(CRASH_REAP_DEADLINE);
	return job_end_late(w, op, row, e);
}

static int end_keeping(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	(void)op;
	return job_remove(w, row->job.tenant, &row->job.id, e);
}

static int after_restart(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	crash_at(CRASH_OPEN_RECOVERING);
	return job_give_back(w, op, row, REASON_RESTART, "the service was started again", false, e);
}

/* Does one thing to each of the jobs that a query names; *n counts them. */
static int reap_each(struct writer *w, struct op *op, enum query query, uint64_t until, reap_one *one, size_t *n,
		     struct err *e)
{
	struct which which[PIECE];
	struct db_rows *rows;
	struct job_row row;
	size_t found = 0;
	int more;

	if (db_ask(w->db, query, DB_WITH(db_number(until), db_number(PIECE)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		which[found++] = (struct which){ db_column(rows, 0), db_column_id(rows, 1) };
	for (size_t i = 0; more == 0 && i < found; i++) {
		more = job_read(w, op, which[i].tenant, &which[i].id, &row, e);
		more = more == 1 ? one(w, op, &row, e) : more < 0 ? -1 : err_set(e, ERR_BUG, "an index names no job");
	}
	*n += found;
	return more;
}

/* Keys are kept for seven days and as long as their job: those of jobs that live are looked at again tomorrow. */
static int reap_keys(struct writer *w, size_t *n, struct err *e)
{
	const struct db_value now = db_number(w->wall_ms);
	const int later = db_run(w->db, Q_IDEM_LATER, DB_WITH(db_number(w->wall_ms + DAY_MS), now), e);
	const int gone = later < 0 ? -1 : db_run(w->db, Q_IDEM_DELETE, DB_WITH(now), e);

	if (gone < 0)
		return -1;
	*n += (size_t)later + (size_t)gone;
	return 0;
}

static const struct {
	enum query query;
	bool is_steady;
	reap_one *one;
} pieces[] = {
	{ Q_LEASES_DUE, true, end_lease },
	{ Q_PAUSES_DUE, true, end_pause },
	{ Q_DEADLINES_DUE, false, end_late },
	{ Q_PURGES_DUE, false, end_keeping },
};

int reap_run(struct writer *w, struct op *op, struct err *e)
{
	struct store_item *const item = op_items(op, 1);
	size_t n = 0, blobs, deliveries, records;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		if (reap_each(w, op, pieces[i].query, pieces[i].is_steady ? w->steady_ms : w->wall_ms, pieces[i].one, &n,
			      e) < 0)
			return -1;
	if (reap_keys(w, &n, e) < 0 || blob_reap(w, op, PIECE, &blobs, e) < 0 || hook_reap(w, &deliveries, e) < 0 ||
	    audit_reap(w, &records, e) < 0)
		return -1;
	item->number = n + blobs + deliveries + records;
	w->has_more = item->number;
	return 0;
}

void store_reap(struct store *store, store_done *done, void *at)
{
	op_submit(store, op_new(reap_run, 0, done, at));
}

/* One piece in a transaction of its own. */
static int recover_piece(struct writer *w, enum query query, reap_one *one, size_t *n, struct err *e)
{
	struct op *const op = op_new(reap_run, 0, NULL, NULL);
	int status = db_begin(w->db, true, e);

	*n = 0;
	if (status == 0)
		status = reap_each(w, op, query, INT64_MAX, one, n, e);
	if (status == 0)
		status = db_commit(w->db, e);
	if (status < 0)
		db_rollback(w->db);
	op_free(op);
	return status;
}

int recover(struct writer *w, struct err *e)
{
	size_t n;

	crash_at(CRASH_OPEN_RECOVER);
	do {
		if (recover_piece(w, Q_LEASES_DUE, after_restart, &n, e) < 0)
			return -1;
	} while (n);
	do {
		if (recover_piece(w, Q_PAUSES_DUE, end_pause, &n, e) < 0)
			return -1;
	} while (n);
	crash_at(CRASH_OPEN_RECOVERED);
	return 0;
}
