/* Copies of the database. Reads the live one as any other reader of it does. */
#include "store/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "store/db.h"

struct snapshot {
	struct db *db;
	struct db_rows *files;  /* NULL before the first and after the last */
	bool is_over;
};

/* A copy of a database with a log says that it has one; one file is easier to keep. */
static int settle(const char *copy, struct err *e)
{
	struct db *db;
	int status;

	if (db_open(copy, true, &db, e) < 0)
		return -1;
	status = db_script(db, "PRAGMA journal_mode=DELETE;", e);
	db_close(db);
	return status;
}

int snapshot_take(const char *live, const char *copy, struct err *e)
{
	struct db *db;
	int status;

	if (db_open(live, false, &db, e) < 0)
		return -1;
	status = db_copy(db, copy, e);
	db_close(db);
	return status < 0 ? -1 : settle(copy, e);
}

/* Damage is one row of words; "ok" when there is none. */
static int check(struct db *db, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	const char *said = "it says nothing";
	struct db_rows *rows;
	int found = db_first(db, Q_SNAPSHOT_CHECK, NULL, 0, &rows, e);

	if (found < 0)
		return -1;
	if (found) {
		said = db_column_text(rows, 0, &arena);
		db_end(rows);
	}
	if (strcmp(said, "ok") != 0)
		return err_set(e, ERR_SYSTEM, "the database is damaged: %.200s", said);
	found = db_first(db, Q_SNAPSHOT_STRAY, NULL, 0, &rows, e);
	if (found <= 0)
		return found;
	err_set(e, ERR_SYSTEM, "the database is damaged: a row of %.60s refers to nothing", db_column_text(rows, 0, &arena));
	db_end(rows);
	return -1;
}

int snapshot_open(const char *path, bool checked, struct snapshot **out, struct err *e)
{
	struct db *db;

	if (db_open(path, false, &db, e) < 0)
		return -1;
	if (checked && check(db, e) < 0) {
		db_close(db);
		return -1;
	}
	*out = mem_alloc(sizeof(**out));
	(*out)->db = db;
	return 0;
}

void snapshot_close(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	db_end(snapshot->files);
	db_close(snapshot->db);
	free(snapshot);
}

int snapshot_next(struct snapshot *snapshot, struct snapshot_file *out, struct err *e)
{
	int more;

	if (!snapshot->files && !snapshot->is_over &&
	    db_ask(snapshot->db, Q_SNAPSHOT_FILES, NULL, 0, &snapshot->files, e) < 0)
		return -1;
	if (snapshot->is_over)
		return 0;
	more = db_next(snapshot->files, e);
	if (more == 1)
		*out = (struct snapshot_file){
			.kind = (enum store_trash_kind)db_column(snapshot->files, 0), .file = db_column_id(snapshot->files, 1),
			.digest = db_column_digest(snapshot->files, 2), .bytes = db_column(snapshot->files, 3),
		};
	if (more != 1) {
		snapshot->files = NULL;
		snapshot->is_over = true;
	}
	return more;
}

int snapshot_names(struct snapshot *snapshot, const struct snapshot_file *file, struct err *e)
{
	const enum query query = file->kind == STORE_TRASH_BLOB ? Q_SNAPSHOT_BLOB : Q_SNAPSHOT_JOB;
	struct db_rows *rows;
	const int found = db_first(snapshot->db, query, DB_WITH(db_id(&file->file)), &rows, e);

	if (found == 1)
		db_end(rows);
	return found;
}

int snapshot_count(struct snapshot *snapshot, uint64_t *jobs, struct err *e)
{
	struct db_rows *rows;

	if (db_first(snapshot->db, Q_SNAPSHOT_COUNT, NULL, 0, &rows, e) != 1)
		return err_add(e, "count the jobs");
	*jobs = db_column(rows, 0);
	db_end(rows);
	return 0;
}
