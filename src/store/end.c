/* The end of a job: one result, in the transaction of the final move. */
#include <string.h>

#include "store/move.h"
#include "store/store_tenant.h"

struct digest job_result_digest(const struct store_id *id, uint64_t fence, const struct store_finish *finish)
{
	const uint64_t numbers[] = {
		fence, finish->state, finish->reason, (uint64_t)(int64_t)finish->exit_code,
		(uint64_t)(int64_t)finish->signal, finish->cpu_us, finish->wall_us, finish->out_bytes, finish->err_bytes,
		finish->n_artifacts,
	};
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, id->bytes, sizeof(id->bytes));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sha256_add_number(&hash, numbers[i]);
	sha256_add_field(&hash, finish->document.at, finish->document.len);
	for (size_t i = 0; i < finish->n_artifacts; i++) {
		sha256_add_field(&hash, finish->artifacts[i].name, strlen(finish->artifacts[i].name));
		sha256_add(&hash, finish->artifacts[i].digest.bytes, SHA256_BYTES);
	}
	return sha256_end(&hash);
}

static int add_usage(struct writer *w, uint64_t tenant, const struct store_finish *finish, struct err *e)
{
	const uint64_t day = w->wall_ms / DAY_MS;

	return db_run_one(w->db, Q_USAGE_END,
			  DB_WITH(db_number(day), db_number(finish->cpu_us), db_number(finish->wall_us),
				  db_number(tenant), db_number(finish->kept_bytes)), e) < 0 ||
	       db_run_one(w->db, Q_ENDING_COUNT, DB_WITH(db_number(tenant), db_number(finish->state)), e) < 0 ? -1 : 0;
}

static int add_audit(struct writer *w, const struct job_row *row, const struct digest *digest, struct err *e)
{
	char id[STORE_ID_TEXT], text[SHA256_TEXT];
	const struct store_audit entry = { .actor = "store", .action = "job.result", .subject = id,
					   .detail = { text, SHA256_TEXT - 1 } };

	store_id_write(&row->job.id, id);
	digest_write(digest, text);
	return audit_add(w, row->job.tenant, &entry, NULL, e);
}

static struct db_value small(const struct store_finish *finish, size_t which)
{
	const struct store_bytes *const bytes = &finish->small[which];

	return bytes->at ? db_bytes(bytes->at, bytes->len) : db_text(NULL);
}

int job_end(struct writer *w, struct op *op, struct job_row *row, const struct store_finish *finish, struct err *e)
{
	const struct store_job *const job = &row->job;
	const struct digest digest = job_result_digest(&job->id, job->fence, finish);

	if (db_run_one(w->db, Q_RESULT_INSERT,
		       DB_WITH(db_number(job->tenant), db_id(&job->id), db_number(job->fence), db_number(job->attempt),
			       db_number(finish->state), db_number(finish->reason), db_signed(finish->exit_code),
			       db_signed(finish->signal), db_number(finish->cpu_us), db_number(finish->wall_us),
			       db_number(finish->out_bytes), db_number(finish->err_bytes), db_number(w->wall_ms),
			       db_digest(&digest), db_bytes(finish->document.at, finish->document.len),
			       small(finish, STORE_OUT), small(finish, STORE_ERR), small(finish, STORE_MIX),
			       db_number(finish->kept_bytes)), e) < 0)
		return -1;
	crash_at(CRASH_FINISH_RESULT);
	row->job.reason = finish->reason;
	if (job_move(w, op, row, finish->state, e) < 0 || add_usage(w, job->tenant, finish, e) < 0 ||
	    add_audit(w, row, &digest, e) < 0)
		return -1;
	crash_at(CRASH_FINISH_AUDITED);
	if (*row->webhook &&
	    db_run_one(w->db, Q_OUTBOX_INSERT,
		       DB_WITH(db_number(job->tenant), db_id(&job->id), db_text("webhook"), db_text(row->webhook),
			       db_number(w->wall_ms)), e) < 0)
		return -1;
	if (hook_tell_job(w, job, e) < 0)
		return -1;
	crash_at(CRASH_FINISH_DONE);
	return 0;
}

int job_end_late(struct writer *w, struct op *op, struct job_row *row, struct err *e)
{
	static const struct store_finish late = { .state = JOB_REJECTED, .reason = REASON_DEADLINE, .exit_code = -1 };

	return job_end(w, op, row, &late, e);
}
