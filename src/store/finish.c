/* The finish: the guard is the key of the table of results, the fence says whose result counts. */
#include <assert.h>

#include "store/blob_row.h"
#include "store/move.h"

struct finish {
	struct store_hold hold;
	struct store_finish finish;
};

/* An answer that was lost on its way is asked for again: the same result is recorded already. */
static int was_recorded(struct writer *w, const struct finish *input, struct err *e)
{
	const struct digest mine = job_result_digest(&input->hold.id, input->hold.fence, &input->finish);
	struct db_rows *rows;
	struct digest recorded;
	const int found = db_first(w->db, Q_RESULT_DIGEST,
				   DB_WITH(db_number(input->hold.tenant), db_id(&input->hold.id)), &rows, e);

	if (found != 1)
		return found;
	recorded = db_column_digest(rows, 0);
	db_end(rows);
	return digest_is(&recorded, &mine);
}

static int add_artifacts(struct writer *w, const struct finish *input, struct err *e)
{
	const struct db_value tenant = db_number(input->hold.tenant);

	for (size_t i = 0; i < input->finish.n_artifacts; i++) {
		const struct store_artifact *const artifact = &input->finish.artifacts[i];
		const struct store_blob blob = { .digest = artifact->digest, .file = artifact->file,
						 .bytes = artifact->bytes };
		const struct db_value digest = db_digest(&artifact->digest);
		bool is_new;

		if (blob_add(w, input->hold.tenant, &blob, &is_new, e) < 0 ||
		    db_run_one(w->db, Q_BLOB_HOLD, DB_WITH(tenant, digest), e) < 0 ||
		    db_run(w->db, Q_ARTIFACT_INSERT,
			   DB_WITH(tenant, db_id(&input->hold.id), db_number(0), db_text(artifact->name), digest), e) < 0)
			return -1;
	}
	return 0;
}

static int finish_run(struct writer *w, struct op *op, struct err *e)
{
	const struct finish *const input = op->input;
	const struct store_finish *const finish = &input->finish;
	struct store_item *const item = op_items(op, 1);
	struct job_row row;
	int found = job_read(w, op, input->hold.tenant, &input->hold.id, &row, e);

	item->outcome = STORE_FENCED;
	if (found != 1)
		return found;
	if (row.job.fence != input->hold.fence || !job_state_is_held(row.job.state)) {
		found = was_recorded(w, input, e);
		item_set(item, found == 1 ? STORE_REPLAYED : STORE_FENCED, &row);
		return found < 0 ? -1 : 0;
	}
	if (add_artifacts(w, input, e) < 0)
		return -1;
	crash_at(CRASH_FINISH_ARTIFACTS);
	if (finish->started_ms && job_state_may_move(row.job.state, JOB_RUNNING) &&
	    job_pass(w, op, &row, JOB_RUNNING, finish->started_ms, e) < 0)
		return -1;
	if (attempt_end(w, &row, finish->state, finish->reason, "", e) < 0 || job_end(w, op, &row, finish, e) < 0)
		return -1;
	item_set(item, STORE_DONE, &row);
	return 0;
}

void store_job_finish(struct store *store, const struct store_hold *hold, const struct store_finish *finish,
		      store_done *done, void *at)
{
	struct op *const op = op_new(finish_run, sizeof(struct finish), done, at);
	struct finish *const input = op->input;
	struct store_artifact *const artifacts =
		arena_alloc(&op->arena, (finish->n_artifacts + 1) * sizeof(*artifacts));

	assert(job_state_is_final(finish->state));
	input->hold = *hold;
	input->finish = *finish;
	input->finish.document = op_copy(op, finish->document);
	for (size_t i = 0; i < STORE_KEPT; i++)
		if (finish->small[i].at)
			input->finish.small[i] = op_copy(op, finish->small[i]);
	for (size_t i = 0; i < finish->n_artifacts; i++) {
		artifacts[i] = finish->artifacts[i];
		artifacts[i].name = op_text(op, artifacts[i].name);
	}
	input->finish.artifacts = artifacts;
	op_submit(store, op);
}
