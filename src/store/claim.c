/* Leases: whose turn it is says fair.c, which of the tenant's jobs says the order of its queues. What a claim costs
 * depends on how many are claimed, never on how many wait. */
#include <string.h>

#include "store/move.h"

#define RECHECK_MS 60000        /* a day ends, a quota may be raised, a clock may be set */

#define LATE_MAX   64           /* jobs past their deadline that one claim ends */

struct claim {
	struct store_room *rooms, *asked;       /* what is left of it, what it was */
	size_t n_rooms, max;
	bool wait;
	struct store_lease *leases;
	size_t n, late;
};

/* What waits first in one class. */
static int head_of(struct writer *w, uint64_t tenant, const char *class, int64_t *score, struct store_id *id,
		   struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_QUEUE_HEAD, DB_WITH(db_number(tenant), db_text(class)), &rows, e);

	if (found != 1)
		return found;
	*score = db_column_signed(rows, 0);
	*id = db_column_id(rows, 1);
	db_end(rows);
	return 1;
}

/* The tenant's next job among the classes with room: 1. */
static int pick(struct writer *w, const struct fair_tenant *tenant, const struct claim *claim, struct store_room **room,
		struct store_id *id, struct err *e)
{
	int64_t best = INT64_MAX, score = 0;
	struct store_id found_id = { .bytes = { 0 } };

	*room = NULL;
	for (size_t i = 0; i < claim->n_rooms; i++) {
		int found;

		if (!claim->rooms[i].room || !fair_has(tenant, claim->rooms[i].class))
			continue;
		found = head_of(w, tenant->id, claim->rooms[i].class, &score, &found_id, e);
		if (found < 0)
			return -1;
		if (found && (!*room || score < best)) {
			best = score;
			*room = &claim->rooms[i];
			*id = found_id;
		}
	}
	return *room != NULL;
}

/* 1: its processor time of today is used up, and it is blocked for a while. */
static int is_out_of_time(struct writer *w, struct fair_tenant *tenant, struct err *e)
{
	const uint64_t left_ms = DAY_MS - w->wall_ms % DAY_MS;
	struct db_rows *rows;
	uint64_t quota_ms, used_us;
	int found;

	if (!tenant->has_cpu_quota)
		return 0;
	found = db_first(w->db, Q_STANDING, DB_WITH(db_number(tenant->id)), &rows, e);
	if (found != 1)
		return found;
	quota_ms = db_column(rows, 2);
	used_us = db_column(rows, 3) == w->wall_ms / DAY_MS ? db_column(rows, 4) : 0;
	db_end(rows);
	if (!quota_ms || used_us / 1000 < quota_ms)
		return 0;
	tenant->is_blocked = true;
	tenant->blocked_until_ms = w->steady_ms + (left_ms < RECHECK_MS ? left_ms : RECHECK_MS);
	return 1;
}

static int read_document(struct writer *w, struct op *op, struct store_lease *lease, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_DOCUMENT_READ, DB_WITH(db_number(lease->hold.tenant), db_id(&lease->hold.id)),
				   &rows, e);

	if (found != 1)
		return found < 0 ? -1 : err_set(e, ERR_BUG, "a job has no document");
	lease->document = db_column_bytes(rows, 0, &op->arena);
	db_end(rows);
	return 0;
}

static int lease(struct writer *w, struct op *op, struct job_row *row, struct store_lease *out, struct err *e)
{
	const struct store_job *const job = &row->job;

	crash_at(CRASH_CLAIM_PICKED);
	if (job_move(w, op, row, JOB_LEASED, e) < 0 ||
	    db_run_one(w->db, Q_ATTEMPT_INSERT,
		       DB_WITH(db_number(job->tenant), db_id(&job->id), db_number(job->fence), db_number(job->attempt),
			       db_number(w->wall_ms)), e) < 0)
		return -1;
	*out = (struct store_lease){
		.hold = { .tenant = job->tenant, .fence = job->fence, .id = job->id },
		.attempt = job->attempt, .max_attempts = job->max_attempts, .until_ms = row->lease_until_ms,
		.created_ms = job->created_ms, .class = job->class, .runtime = job->runtime, .boundary = job->boundary,
	};
	/* At most once, by request: the power must not forget that it was. */
	if (job->max_attempts == job->attempt)
		w->sync_tenant = job->tenant;
	crash_at(CRASH_CLAIM_LEASED);
	return read_document(w, op, out, e);
}

/* One job of this tenant: leased, or ended because it is too late for it. */
static int claim_one(struct writer *w, struct op *op, struct fair_tenant *tenant, struct claim *claim, struct err *e)
{
	struct store_room *room;
	struct store_id id;
	struct job_row row;
	int found = is_out_of_time(w, tenant, e);

	if (found)
		return found < 0 ? -1 : 0;
	found = pick(w, tenant, claim, &room, &id, e);
	if (found == 1)
		found = job_read(w, op, tenant->id, &id, &row, e);
	if (found != 1) {
		w->must_load = true; /* the rows are right */
		return found < 0 ? -1 : err_set(e, ERR_BUG, "a queue does not have what was counted");
	}
	if (row.job.deadline_ms && row.job.deadline_ms <= w->wall_ms) {
		claim->late++;
		return job_end_late(w, op, &row, e);
	}
	if (!fair_fits(tenant, row.memory_bytes)) {
		tenant->is_short = true;
		return 0;
	}
	if (lease(w, op, &row, &claim->leases[claim->n], e) < 0)
		return -1;
	claim->n++;
	room->room--;
	fair_take(&w->fair, tenant, w->steady_ms);
	return 0;
}

int claim_again(struct writer *w, struct op *op, struct err *e)
{
	struct claim *const claim = op->input;
	struct fair_tenant *tenant;

	claim->n = claim->late = 0;
	if (claim->n_rooms)
		memcpy(claim->rooms, claim->asked, claim->n_rooms * sizeof(*claim->rooms));
	while (claim->n < claim->max && claim->late < LATE_MAX &&
	       (tenant = fair_next(&w->fair, claim->rooms, claim->n_rooms, w->steady_ms, &w->again_ms)))
		if (claim_one(w, op, tenant, claim, e) < 0)
			return -1;
	if (claim->late == LATE_MAX)
		w->again_ms = w->steady_ms;
	op->answer.leases = claim->leases;
	op->answer.n_leases = claim->n;
	/* Who waits for a job that ended here is told with the answer: so there is one, with or without leases. */
	w->parked = claim->n || claim->late || !claim->wait ? NULL : op;
	return 0;
}

/* An earlier claim that waits is superseded: the writer sees that it is no longer the parked one. */
static int claim_run(struct writer *w, struct op *op, struct err *e)
{
	return claim_again(w, op, e);
}

void store_job_claim(struct store *store, const struct store_room *rooms, size_t n_rooms, size_t max, bool wait,
		     store_done *done, void *at)
{
	struct op *const op = op_new(claim_run, sizeof(struct claim), done, at);
	struct claim *const claim = op->input;

	max = max < STORE_BATCH_MAX ? max : STORE_BATCH_MAX;
	claim->rooms = arena_alloc(&op->arena, (n_rooms + 1) * sizeof(*rooms));
	claim->asked = arena_alloc(&op->arena, (n_rooms + 1) * sizeof(*rooms));
	for (size_t i = 0; i < n_rooms; i++)
		claim->asked[i] = (struct store_room){ op_text(op, rooms[i].class), rooms[i].room };
	claim->n_rooms = n_rooms;
	claim->max = max;
	claim->wait = wait;
	claim->leases = arena_alloc(&op->arena, (max + 1) * sizeof(*claim->leases));
	op->is_durable = false;
	op_submit(store, op);
}
