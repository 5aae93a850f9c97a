/* Blobs: rows beside files that others write. A file's name never comes again: nothing here races with unlink(2). */
#include "store/store_blob.h"

#include <string.h>

#include "store/blob_row.h"

struct blob_put {
	uint64_t tenant;
	struct store_blob blob;
};

static int trash(struct writer *w, uint64_t tenant, const struct store_id *file, struct err *e)
{
	return db_run(w->db, Q_TRASH_INSERT, DB_WITH(db_number(tenant), db_number(STORE_TRASH_BLOB), db_id(file)), e) < 0
		? -1 : 0;
}

/* 1, 0, -1 */
static int read_blob(struct db *db, uint64_t tenant, const struct digest *digest, struct store_blob *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(db, Q_BLOB_READ, DB_WITH(db_number(tenant), db_digest(digest)), &rows, e);

	if (found != 1)
		return found;
	*out = (struct store_blob){ *digest, db_column_id(rows, 0), db_column(rows, 1), db_column(rows, 2) };
	db_end(rows);
	return 1;
}

int blob_add(struct writer *w, uint64_t tenant, const struct store_blob *blob, bool *is_new, struct err *e)
{
	const struct db_value of = db_number(tenant), digest = db_digest(&blob->digest);
	struct store_blob old;
	const int found = read_blob(w->db, tenant, &blob->digest, &old, e);

	*is_new = !found;
	if (found < 0)
		return -1;
	/* The same file again: somebody asks twice because the first answer was lost. */
	if (found)
		return (memcmp(&old.file, &blob->file, sizeof(old.file)) && trash(w, tenant, &blob->file, e) < 0) ||
		       db_run(w->db, Q_BLOB_KEEP, DB_WITH(db_number(w->wall_ms + DAY_MS), of, digest), e) < 0 ? -1 : 0;
	return db_run_one(w->db, Q_BLOB_INSERT,
			  DB_WITH(of, digest, db_id(&blob->file), db_number(blob->bytes), db_number(w->wall_ms),
				  db_number(w->wall_ms + DAY_MS)), e) < 0 ||
	       db_run_one(w->db, Q_USAGE_BLOB, DB_WITH(db_signed(1), db_signed((int64_t)blob->bytes), of), e) < 0 ? -1 : 0;
}

static bool fits(uint64_t quota, uint64_t used, uint64_t more)
{
	return !quota || (used <= quota && more <= quota - used);
}

static int blob_run(struct writer *w, struct op *op, struct err *e)
{
	const struct blob_put *const input = op->input;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	bool is_new, is_full, has_no_room;
	struct store_blob old;
	int found = db_first(w->db, Q_BLOB_QUOTA, DB_WITH(db_number(input->tenant)), &rows, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	is_full = !fits(db_column(rows, 0), db_column(rows, 1), input->blob.bytes);
	has_no_room = !fits(db_column(rows, 2), db_column(rows, 3), input->blob.bytes);
	db_end(rows);
	found = read_blob(w->db, input->tenant, &input->blob.digest, &old, e);
	if (found < 0)
		return -1;
	if (!found && (is_full || has_no_room)) {
		item->outcome = is_full ? STORE_QUOTA_BLOBS : STORE_QUOTA_KEPT;
		item->retry_ms = DAY_MS;
		return trash(w, input->tenant, &input->blob.file, e);
	}
	if (blob_add(w, input->tenant, &input->blob, &is_new, e) < 0)
		return -1;
	crash_at(CRASH_BLOB_PUT);
	item->outcome = is_new ? STORE_DONE : STORE_REPLAYED;
	return 0;
}

void store_blob_put(struct store *store, uint64_t tenant, const struct store_blob *blob, store_done *done, void *at)
{
	struct op *const op = op_new(blob_run, sizeof(struct blob_put), done, at);

	*(struct blob_put *)op->input = (struct blob_put){ tenant, *blob };
	op_submit(store, op);
}

int store_blob_get(struct store *store, uint64_t tenant, const struct digest *digest, struct store_blob *out,
		   struct err *e)
{
	return read_blob(store->reader, tenant, digest, out, e);
}

int store_artifact_get(struct store *store, uint64_t tenant, const struct store_id *job, const char *name,
		       struct store_artifact *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(store->reader, Q_ARTIFACT_READ, DB_WITH(db_number(tenant), db_id(job), db_text(name)),
				   &rows, e);

	if (found != 1)
		return found;
	*out = (struct store_artifact){ name, db_column_digest(rows, 0), db_column_id(rows, 1), db_column(rows, 2) };
	db_end(rows);
	return 1;
}

struct due {
	uint64_t tenant, bytes;
	struct digest digest;
	struct store_id file;
};

int blob_reap(struct writer *w, struct op *op, size_t limit, size_t *n, struct err *e)
{
	struct due *const due = arena_alloc(&op->arena, limit * sizeof(*due));
	struct db_rows *rows;
	int more;

	*n = 0;
	if (db_ask(w->db, Q_BLOBS_DUE, DB_WITH(db_number(w->wall_ms), db_number(limit)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		due[(*n)++] = (struct due){ db_column(rows, 0), db_column(rows, 3), db_column_digest(rows, 1),
					    db_column_id(rows, 2) };
	for (size_t i = 0; more == 0 && i < *n; i++) {
		const struct db_value of = db_number(due[i].tenant);

		if (trash(w, due[i].tenant, &due[i].file, e) < 0 ||
		    db_run_one(w->db, Q_BLOB_DELETE, DB_WITH(of, db_digest(&due[i].digest)), e) < 0 ||
		    db_run_one(w->db, Q_USAGE_BLOB, DB_WITH(db_signed(-1), db_signed(-(int64_t)due[i].bytes), of), e) < 0)
			return -1;
	}
	return more;
}

int store_trash_list(struct store *store, size_t limit, struct arena *arena, struct store_trash **out, size_t *n,
		     struct err *e)
{
	struct store_trash *const trash = arena_alloc(arena, (limit + 1) * sizeof(*trash));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_TRASH_LIST, DB_WITH(db_number(limit)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		trash[count++] = (struct store_trash){ db_column(rows, 0), (enum store_trash_kind)db_column(rows, 1),
						       db_column_id(rows, 2) };
	if (more < 0)
		return -1;
	*out = trash;
	*n = count;
	return 0;
}

static int trash_run(struct writer *w, struct op *op, struct err *e)
{
	const struct store_bytes *const input = op->input;
	const struct store_trash *const trash = input->at;

	for (size_t i = 0; i < input->len; i++)
		if (db_run(w->db, Q_TRASH_DELETE,
			   DB_WITH(db_number(trash[i].tenant), db_number(trash[i].kind), db_id(&trash[i].file)), e) < 0)
			return -1;
	return 0;
}

void store_trash_done(struct store *store, const struct store_trash *trash, size_t n, store_done *done, void *at)
{
	struct op *const op = op_new(trash_run, sizeof(struct store_bytes), done, at);
	const struct store_bytes copied = op_copy(op, (struct store_bytes){ trash, n * sizeof(*trash) });

	*(struct store_bytes *)op->input = (struct store_bytes){ copied.at, n };
	op->is_durable = false;
	op_submit(store, op);
}

int store_backup(struct store *store, const char *path, struct err *e)
{
	return db_copy(store->reader, path, e);
}
