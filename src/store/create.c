/* Admission: quotas, idempotency and the insert in one transaction, so that two creates cannot both take the last
 * place, and an acknowledged job is a job with everything it needs. */
#include <assert.h>
#include <string.h>

#include "store/move.h"
#include "store/store_tenant.h"

#define IDEM_MS     (7 * DAY_MS)

struct create {
	struct store_create *jobs;
	size_t n;
	bool all_or_none;
};

/* What admission reads of a tenant. */
struct standing {
	uint64_t max_queued, queued, cpu_ms_per_day, cpu_us_today, retention_ms;
	uint64_t memory_bytes, max_sessions, sessions, max_kept, kept;
	bool is_suspended;
};

static int read_standing(struct writer *w, uint64_t tenant, struct standing *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_STANDING, DB_WITH(db_number(tenant)), &rows, e);

	if (found != 1)
		return found;
	*out = (struct standing){
		.max_queued = db_column(rows, 0), .queued = db_column(rows, 1), .cpu_ms_per_day = db_column(rows, 2),
		.cpu_us_today = db_column(rows, 3) == w->wall_ms / DAY_MS ? db_column(rows, 4) : 0,
		.retention_ms = db_column(rows, 5), .is_suspended = db_column(rows, 6), .memory_bytes = db_column(rows, 7),
		.max_sessions = db_column(rows, 8), .sessions = db_column(rows, 9), .max_kept = db_column(rows, 10),
		.kept = db_column(rows, 11),
	};
	db_end(rows);
	return 1;
}

/* What the tenant has no room for, whatever waits. */
static enum store_outcome admit_size(const struct store_create *job, const struct standing *standing, uint64_t *retry_ms)
{
	if (standing->is_suspended)
		return STORE_SUSPENDED;
	if (standing->memory_bytes && job->memory_bytes > standing->memory_bytes)
		return STORE_QUOTA_MEMORY;
	*retry_ms = 60000; /* nobody knows when somebody hangs up, or removes something */
	if (job->is_session && standing->max_sessions && standing->sessions >= standing->max_sessions)
		return STORE_QUOTA_SESSIONS;
	if (standing->max_kept && standing->kept >= standing->max_kept)
		return STORE_QUOTA_KEPT;
	return STORE_DONE;
}

/* As long as its own queue drains: whoever floods it is told to wait, and nobody else is. */
static bool waits_too_long(const struct writer *w, const struct fair_tenant *fair, uint64_t queued, uint64_t *retry_ms)
{
	const uint64_t most_ms = w->options.max_wait_ms;
	const uint64_t wait_ms = most_ms && fair ? fair_wait_ms(fair, queued, w->steady_ms) : 0;

	if (wait_ms <= most_ms)
		return false;
	*retry_ms = wait_ms - most_ms < 1000 ? 1000 : wait_ms - most_ms > 3600000 ? 3600000 : wait_ms - most_ms;
	return true;
}

static enum store_outcome admit(struct writer *w, const struct store_create *job, const struct standing *standing, uint64_t *retry_ms)
{
	const struct fair_tenant *const fair = fair_find(&w->fair, job->tenant);
	const enum store_outcome sized = admit_size(job, standing, retry_ms);

	if (sized != STORE_DONE)
		return sized;
	*retry_ms = 0;
	if (waits_too_long(w, fair, standing->queued, retry_ms))
		return STORE_QUEUE_WAIT;
	if (standing->max_queued && standing->queued >= standing->max_queued) {
		*retry_ms = fair_retry_ms(fair, standing->queued - standing->max_queued + 1, w->steady_ms);
		return STORE_QUOTA_QUEUED;
	}
	if (standing->cpu_ms_per_day && standing->cpu_us_today / 1000 >= standing->cpu_ms_per_day) {
		*retry_ms = DAY_MS - w->wall_ms % DAY_MS;
		return STORE_QUOTA_CPU;
	}
	if (w->fair.queued >= w->options.max_queued) {
		*retry_ms = fair_retry_ms(fair, 1, w->steady_ms);
		return STORE_QUEUE_FULL;
	}
	return STORE_DONE;
}

/* 1: that key was used before, and *item says for what; 0: it is new. */
static int replay(struct writer *w, struct op *op, const struct store_create *job, const struct digest *digest,
		  struct store_item *item, struct err *e)
{
	struct db_rows *rows;
	struct job_row row;
	struct digest before;
	int found = db_first(w->db, Q_IDEM_READ, DB_WITH(db_number(job->tenant), db_text(job->key)), &rows, e);

	if (found != 1)
		return found;
	before = db_column_digest(rows, 0);
	item->id = db_column_id(rows, 1);
	db_end(rows);
	item->outcome = digest_is(&before, digest) ? STORE_REPLAYED : STORE_MISMATCH;
	found = job_read(w, op, job->tenant, &item->id, &row, e);
	if (found == 1)
		item_set(item, item->outcome, &row);
	return found < 0 ? -1 : 1;
}

/* 1: all are there. */
static int has_blobs(struct writer *w, const struct store_create *job, struct err *e)
{
	struct db_rows *rows;

	for (size_t i = 0; i < job->n_blobs; i++) {
		const int found = db_first(w->db, Q_BLOB_READ,
					   DB_WITH(db_number(job->tenant), db_digest(&job->blobs[i])), &rows, e);

		if (found != 1)
			return found;
		db_end(rows);
	}
	return 1;
}

/* A blob that a job refers to stays. The same one may be named twice. */
static int hold_blobs(struct writer *w, const struct store_create *job, const struct store_id *id, struct err *e)
{
	for (size_t i = 0; i < job->n_blobs; i++) {
		const struct db_value tenant = db_number(job->tenant), digest = db_digest(&job->blobs[i]);

		if (db_run_one(w->db, Q_BLOB_HOLD, DB_WITH(tenant, digest), e) < 0 ||
		    db_run(w->db, Q_ARTIFACT_INSERT, DB_WITH(tenant, db_id(id), db_number(1), db_text(""), digest), e) < 0)
			return -1;
	}
	return 0;
}

static int insert(struct writer *w, struct op *op, const struct store_create *job, struct job_row *row,
		  const struct digest *digest, struct err *e)
{
	const struct db_value tenant = db_number(job->tenant), id = db_id(&row->job.id);

	if (job_enter(w, op, row, e) < 0 ||
	    db_run_one(w->db, Q_DOCUMENT_INSERT, DB_WITH(tenant, id, db_bytes(job->document.at, job->document.len)), e) < 0)
		return -1;
	for (size_t i = 0; i < job->n_labels; i++)
		if (db_run_one(w->db, Q_LABEL_INSERT,
			       DB_WITH(tenant, db_text(job->labels[i].name), db_text(job->labels[i].value), id), e) < 0)
			return -1;
	crash_at(CRASH_CREATE_INSERTED);
	if (db_run_one(w->db, Q_USAGE_CREATED, DB_WITH(tenant), e) < 0)
		return -1;
	if (job->key &&
	    db_run_one(w->db, Q_IDEM_INSERT,
		       DB_WITH(tenant, db_text(job->key), db_digest(digest), id, db_number(w->wall_ms + IDEM_MS)), e) < 0)
		return -1;
	crash_at(CRASH_CREATE_KEYED);
	return hold_blobs(w, job, &row->job.id, e);
}

static struct job_row row_of(struct writer *w, const struct store_create *job, const struct standing *standing)
{
	struct job_row row = {
		.job = { .id = id_new_at(w->wall_ms), .tenant = job->tenant, .name = job->name, .runtime = job->runtime,
			 .boundary = job->boundary, .class = job->class, .priority = job->priority,
			 .max_attempts = job->max_attempts, .created_ms = w->wall_ms, .deadline_ms = job->deadline_ms },
		.ttl_ms = job->ttl_ms ? job->ttl_ms : DAY_MS, .webhook = job->webhook ? job->webhook : "",
		.memory_bytes = job->memory_bytes, .is_session = job->is_session,
	};

	if (standing->retention_ms && row.ttl_ms > standing->retention_ms)
		row.ttl_ms = standing->retention_ms;
	return row;
}

/* Fills in the item. */
static int create_one(struct writer *w, struct op *op, const struct store_create *job, struct store_item *item,
		      struct err *e)
{
	const struct digest digest = sha256_of(job->document.at, job->document.len);
	struct standing standing;
	struct job_row row;
	int found = read_standing(w, job->tenant, &standing, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	found = job->key ? replay(w, op, job, &digest, item, e) : 0;
	if (found)
		return found < 0 ? -1 : 0;
	found = has_blobs(w, job, e);
	if (found != 1)
		return found;
	item->outcome = admit(w, job, &standing, &item->retry_ms);
	if (item->outcome != STORE_DONE)
		return 0;
	crash_at(CRASH_CREATE_ADMITTED);
	row = row_of(w, job, &standing);
	if (insert(w, op, job, &row, &digest, e) < 0)
		return -1;
	item_set(item, STORE_DONE, &row);
	return 0;
}

static bool fits(const char *text, size_t most)
{
	return !text || strlen(text) <= most;
}

static int check(const struct store_create *job, struct err *e)
{
	bool is_good = fits(job->name, STORE_NAME_MAX) && fits(job->runtime, STORE_NAME_MAX) &&
		       fits(job->boundary, STORE_NAME_MAX) && fits(job->class, STORE_NAME_MAX) &&
		       fits(job->key, STORE_KEY_MAX) && job->max_attempts && job->priority <= 9 &&
		       job->n_labels <= STORE_LABELS_MAX;

	for (size_t i = 0; is_good && i < job->n_labels; i++)
		is_good = fits(job->labels[i].name, STORE_NAME_MAX) && fits(job->labels[i].value, STORE_KEY_MAX);
	return is_good ? 0 : err_set(e, ERR_USAGE, "a name, key or label of the job is too long, or a number out of range");
}

static bool is_in(const struct store_item *items, size_t n, const struct store_id *id)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(items[i].id.bytes, id->bytes, sizeof(id->bytes)))
			return true;
	return false;
}

/* Nothing was made after all: also not what a later item of the batch found there. */
static void take_back(struct store_item *items, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (items[i].outcome == STORE_DONE ||
		    (items[i].outcome == STORE_REPLAYED && is_in(items, i, &items[i].id)))
			items[i] = (struct store_item){ .outcome = STORE_NOT_APPLIED };
}

static int create_run(struct writer *w, struct op *op, struct err *e)
{
	const struct create *const input = op->input;
	struct store_item *const items = op_items(op, input->n);
	bool is_whole = true;

	for (size_t i = 0; i < input->n; i++) {
		if (check(&input->jobs[i], e) < 0 || create_one(w, op, &input->jobs[i], &items[i], e) < 0)
			return -1;
		is_whole &= items[i].outcome == STORE_DONE || items[i].outcome == STORE_REPLAYED;
	}
	if (is_whole || !input->all_or_none)
		return 0;
	take_back(items, input->n);
	return OP_UNDO;
}

static struct store_create copy(struct op *op, const struct store_create *job)
{
	struct store_create to = *job;
	struct store_label *labels = arena_alloc(&op->arena, (job->n_labels + 1) * sizeof(*labels));

	to.document = op_copy(op, job->document);
	to.name = op_text(op, job->name);
	to.runtime = op_text(op, job->runtime);
	to.boundary = op_text(op, job->boundary);
	to.class = op_text(op, job->class);
	for (size_t i = 0; i < job->n_labels; i++)
		labels[i] = (struct store_label){ op_text(op, job->labels[i].name), op_text(op, job->labels[i].value) };
	to.labels = labels;
	to.blobs = op_copy(op, (struct store_bytes){ job->blobs, job->n_blobs * sizeof(*job->blobs) }).at;
	to.key = job->key ? op_text(op, job->key) : NULL;
	to.webhook = op_text(op, job->webhook);
	return to;
}

void store_job_create_batch(struct store *store, const struct store_create *jobs, size_t n, bool all_or_none,
			    store_done *done, void *at)
{
	struct op *const op = op_new(create_run, sizeof(struct create), done, at);
	struct create *const input = op->input;

	assert(n && n <= STORE_BATCH_MAX);
	input->jobs = arena_alloc(&op->arena, n * sizeof(*jobs));
	input->n = n;
	input->all_or_none = all_or_none;
	for (size_t i = 0; i < n; i++)
		input->jobs[i] = copy(op, &jobs[i]);
	op_submit(store, op);
}

void store_job_create(struct store *store, const struct store_create *job, store_done *done, void *at)
{
	store_job_create_batch(store, job, 1, false, done, at);
}
