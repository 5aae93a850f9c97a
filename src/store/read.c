/* One job as clients read it. */
#include <string.h>

#include "store/move.h"
#include "store/read_job.h"

/* A pause is kept in the steady clock, which means nothing to a client. */
void read_job(const struct store *store, struct job_row *row, struct store_job *out)
{
	const struct store_clock *const clock = &store->options.clock;

	*out = row->job;
	if (row->pause_until_ms) {
		const uint64_t now = clock->steady_ms(clock->at);

		out->not_before_ms = clock->wall_ms(clock->at) + (row->pause_until_ms > now ? row->pause_until_ms - now : 0);
	}
}

int store_job_get(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
		  struct store_job *out, struct err *e)
{
	struct db_rows *rows;
	struct job_row row;
	const int found = db_first(store->reader, Q_JOB_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e);

	if (found != 1)
		return found;
	job_columns(rows, arena, &row);
	db_end(rows);
	read_job(store, &row, out);
	return 1;
}

int store_job_document(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
		       struct store_bytes *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(store->reader, Q_DOCUMENT_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e);

	if (found != 1)
		return found;
	*out = db_column_bytes(rows, 0, arena);
	db_end(rows);
	return 1;
}

int store_job_labels(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
		     struct store_label **out, size_t *n, struct err *e)
{
	struct store_label *const labels = arena_alloc(arena, (STORE_LABELS_MAX + 1) * sizeof(*labels));
	struct store_job job;
	struct db_rows *rows;
	size_t count = 0;
	int more = store_job_get(store, tenant, id, arena, &job, e);

	if (more != 1)
		return more;
	if (db_ask(store->reader, Q_LABELS_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1 && count < STORE_LABELS_MAX)
		labels[count++] = (struct store_label){ db_column_text(rows, 0, arena), db_column_text(rows, 1, arena) };
	db_end(rows);
	if (more < 0)
		return -1;
	*out = labels;
	*n = count;
	return 1;
}

static int read_artifacts(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
			  struct store_finish *out, struct err *e)
{
	struct store_artifact *artifacts = arena_alloc(arena, 1000 * sizeof(*artifacts));
	struct db_rows *rows;
	int more;

	if (db_ask(store->reader, Q_ARTIFACT_LIST, DB_WITH(db_number(tenant), db_id(id)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		artifacts[out->n_artifacts++] = (struct store_artifact){
			db_column_text(rows, 0, arena), db_column_digest(rows, 1), db_column_id(rows, 2), db_column(rows, 3),
		};
	out->artifacts = artifacts;
	return more;
}

int store_result_get(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
		     struct store_result *out, struct err *e)
{
	struct store_result result;
	struct db_rows *rows;
	const int found = db_first(store->reader, Q_RESULT_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e);

	if (found != 1)
		return found;
	result = (struct store_result){
		.finish = {
			.state = (enum job_state)db_column(rows, 2), .reason = (enum job_reason)db_column(rows, 3),
			.exit_code = (int)db_column_signed(rows, 4), .signal = (int)db_column_signed(rows, 5),
			.cpu_us = db_column(rows, 6), .wall_us = db_column(rows, 7), .out_bytes = db_column(rows, 8),
			.err_bytes = db_column(rows, 9), .document = db_column_bytes(rows, 12, arena),
		},
		.fence = db_column(rows, 0), .attempt = (uint32_t)db_column(rows, 1), .at_ms = db_column(rows, 10),
		.digest = db_column_digest(rows, 11),
	};
	db_end(rows);
	if (read_artifacts(store, tenant, id, arena, &result.finish, e) < 0)
		return -1;
	*out = result;
	return 1;
}

ssize_t store_output_read(struct store *store, uint64_t tenant, const struct store_id *id, unsigned which, uint64_t offset,
			  void *bytes, size_t max)
{
	static const enum query queries[STORE_KEPT] = { [STORE_OUT] = Q_RESULT_OUT, [STORE_ERR] = Q_RESULT_ERR, [STORE_MIX] = Q_RESULT_MIX };
	OWN(arena) arena = { .blocks = NULL };
	struct store_bytes all;
	struct db_rows *rows;
	struct err ignored;
	size_t n;

	if (db_first(store->reader, queries[which], DB_WITH(db_number(tenant), db_id(id)), &rows, &ignored) != 1)
		return -1;
	all = db_column_bytes(rows, 0, &arena);
	db_end(rows);
	if (offset >= all.len)
		return 0;
	n = all.len - (size_t)offset < max ? all.len - (size_t)offset : max;
	memcpy(bytes, (const char *)all.at + offset, n);
	return (ssize_t)n;
}

int store_attempt_list(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
		       struct store_attempt **out, size_t *n, struct err *e)
{
	struct store_attempt *const list = arena_alloc(arena, 1000 * sizeof(*list));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_ATTEMPTS_READ, DB_WITH(db_number(tenant), db_id(id)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		list[count++] = (struct store_attempt){
			(uint32_t)db_column(rows, 0), db_column(rows, 1), db_column(rows, 2), db_column(rows, 3),
			db_column(rows, 4), (enum job_state)db_column(rows, 5), (enum job_reason)db_column(rows, 6),
			db_column_text(rows, 7, arena),
		};
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

int store_event_list(struct store *store, uint64_t tenant, const struct store_id *id, uint64_t after_seq, size_t limit,
		     struct arena *arena, struct store_event **out, size_t *n, struct err *e)
{
	struct store_event *const list = arena_alloc(arena, (limit + 1) * sizeof(*list));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_EVENT_LIST,
		   DB_WITH(db_number(tenant), db_id(id), db_number(after_seq), db_number(limit)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		list[count++] = (struct store_event){
			db_column(rows, 0), db_column(rows, 1), db_column_text(rows, 2, arena),
			(enum job_state)db_column(rows, 3), db_column_bytes(rows, 4, arena),
		};
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

struct append {
	uint64_t tenant;
	struct store_id id;
	const char *kind;
	struct store_bytes document;
};

static int append_run(struct writer *w, struct op *op, struct err *e)
{
	const struct append *const input = op->input;
	struct store_item *const item = op_items(op, 1);
	const struct db_value tenant = db_number(input->tenant), id = db_id(&input->id);
	struct db_rows *rows;
	uint64_t state;
	const int found = db_first(w->db, Q_JOB_SEQ, DB_WITH(tenant, id), &rows, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	item->number = db_column(rows, 0);
	state = db_column(rows, 1);
	db_end(rows);
	item->outcome = STORE_DONE;
	return db_run_one(w->db, Q_EVENT_INSERT,
			  DB_WITH(tenant, id, db_number(item->number), db_number(w->wall_ms), db_text(input->kind),
				  db_number(state), db_bytes(input->document.at, input->document.len)), e);
}

void store_event_append(struct store *store, uint64_t tenant, const struct store_id *id, const char *kind,
			struct store_bytes document, store_done *done, void *at)
{
	struct op *const op = op_new(append_run, sizeof(struct append), done, at);

	*(struct append *)op->input = (struct append){ tenant, *id, op_text(op, kind), op_copy(op, document) };
	op->is_durable = false;
	op_submit(store, op);
}
