/* The one file that knows SQLite. Prepared statements only, each made when it is first needed and kept.
 *
 * Names, files and settings: sqlite.org/c3ref, sqlite.org/pragma.html; the write-ahead log: sqlite.org/wal.html. */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fd.h"

#define BUSY_MS 2000            /* the lock on the directory keeps others out; a person with a tool may still come */

static const char *const texts[] = {
#define QUERY(id, sql) [Q_##id] = sql,
#include "store/queries.def"
#undef QUERY
};

struct db_rows {
	sqlite3_stmt *statement;
	struct db *db;
	bool is_open;
};

struct db {
	sqlite3 *handle;
	struct db_rows rows[QUERIES];
	int durable;            /* what synchronous is set to: -1 unknown, 0, 1 */
	size_t log_pages;       /* in the log at the last commit, since it was copied */
};

static const struct {
	int code, sys;
	enum err_kind kind;
	const char *text;
} faults[] = {
	{ SQLITE_FULL, ENOSPC, ERR_LIMIT, "the disk of the state directory is full; nothing was changed: make room" },
	{ SQLITE_BUSY, EBUSY, ERR_CONFLICT, "another process has locked the database; nothing was changed: end it" },
	{ SQLITE_LOCKED, EBUSY, ERR_CONFLICT, "the database is locked; nothing was changed" },
	{ SQLITE_CORRUPT, EUCLEAN, ERR_SYSTEM, "the database is damaged: stop the service and restore a backup" },
	{ SQLITE_NOTADB, EUCLEAN, ERR_SYSTEM, "this is not a database of ward's: give another state directory" },
	{ SQLITE_IOERR, EIO, ERR_SYSTEM, "the disk of the state directory fails; nothing was changed" },
	{ SQLITE_READONLY, EROFS, ERR_SYSTEM, "the state directory may not be written to: see its owner and mount" },
	{ SQLITE_CANTOPEN, ENOENT, ERR_SYSTEM, "the database cannot be opened: see the owner of the state directory" },
};

static int fault(struct db *db, int code, struct err *e)
{
	const char *const detail = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);

	if ((code & 0xff) == SQLITE_NOMEM)
		mem_fail();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (faults[i].code == (code & 0xff)) {
			err_set(e, faults[i].kind, "%s (%s)", faults[i].text, detail);
			e->sys = faults[i].sys;
			return -1;
		}
	return err_set(e, ERR_BUG, "the database refused a query: %s (%d)", detail, code);
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	const int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fault(db, code, e);
}

static int note_log(void *at, sqlite3 *handle, const char *name, int pages)
{
	(void)handle;
	(void)name;
	((struct db *)at)->log_pages = pages > 0 ? (size_t)pages : 0;
	return SQLITE_OK;
}

/* trusted_schema: a database somebody slipped in cannot call functions through views or indices. cell_size_check:
 * a damaged page is noticed when it is read. */
static int settle(struct db *db, bool is_writer, struct err *e)
{
	static const char both[] = "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
				   "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;";

	sqlite3_busy_timeout(db->handle, BUSY_MS);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	if (db_script(db, both, e) < 0)
		return -1;
	if (is_writer)
		sqlite3_wal_hook(db->handle, note_log, db); /* instead of copying the log inside a commit that somebody waits for */
	return db_script(db, is_writer ? "PRAGMA journal_mode=WAL;" : "PRAGMA query_only=ON;", e);
}

/* A name stays what it is. SQLite would make it absolute and look at every directory on the way, and a front that was
 * root may not: the state may lie in somebody's home. */
static int keep_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	struct stat found;

	(void)vfs;
	if (strlen(name) >= (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(out, name, strlen(name) + 1);
	return lstat(name, &found) == 0 && S_ISLNK(found.st_mode) ? SQLITE_OK_SYMLINK : SQLITE_OK;
}

/* SQLite's own way to files but for that. */
static sqlite3_vfs files_here;

static void make_files_here(void)
{
	/* Counting every piece of memory takes a lock that both threads would wait for. Refused where SQLite runs already. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	files_here = *sqlite3_vfs_find(NULL);
	files_here.zName = "ward";
	files_here.xFullPathname = keep_name;
	sqlite3_vfs_register(&files_here, 0);
}

static const char *files(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_files_here);
	return files_here.zName;
}

int db_open(const char *path, bool is_writer, struct db **out, struct err *e)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW |
			  (is_writer ? SQLITE_OPEN_CREATE : 0);
	struct db *const db = mem_alloc(sizeof(*db));
	int code;

	db->durable = -1;
	code = sqlite3_open_v2(path, &db->handle, flags, files());
	if (code != SQLITE_OK)
		fault(db, code, e);
	if (code != SQLITE_OK || settle(db, is_writer, e) < 0) {
		db_close(db);
		return err_add(e, "%s", path);
	}
	*out = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < QUERIES; i++)
		sqlite3_finalize(db->rows[i].statement);
	sqlite3_close(db->handle);
	free(db);
}

int db_version(struct db *db, uint64_t *out, struct err *e)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &statement, NULL);

	if (code != SQLITE_OK)
		return fault(db, code, e);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? 0 : fault(db, code, e);
}

/* The setting cannot change inside a transaction. FULL syncs the log at each commit, NORMAL at checkpoints alone. */
static int set_durable(struct db *db, bool is_durable, struct err *e)
{
	if (db->durable == is_durable)
		return 0;
	if (db_script(db, is_durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", e) < 0)
		return -1;
	db->durable = is_durable;
	return 0;
}

int db_begin(struct db *db, bool is_durable, struct err *e)
{
	return set_durable(db, is_durable, e) < 0 ? -1 : db_run(db, Q_BEGIN, NULL, 0, e) < 0 ? -1 : 0;
}

int db_commit(struct db *db, struct err *e)
{
	return db_run(db, Q_COMMIT, NULL, 0, e) < 0 ? -1 : 0;
}

bool db_is_in_transaction(const struct db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

void db_rollback(struct db *db)
{
	struct err ignored;

	if (db_is_in_transaction(db) && db_run(db, Q_ROLLBACK, NULL, 0, &ignored) < 0)
		return; /* an error here has rolled back already */
}

int db_mark(struct db *db, struct err *e)
{
	return db_run(db, Q_MARK, NULL, 0, e) < 0 ? -1 : 0;
}

int db_keep(struct db *db, struct err *e)
{
	return db_run(db, Q_KEEP, NULL, 0, e) < 0 ? -1 : 0;
}

void db_undo(struct db *db)
{
	struct err ignored;

	if (db_is_in_transaction(db) &&
	    (db_run(db, Q_UNDO, NULL, 0, &ignored) < 0 || db_run(db, Q_KEEP, NULL, 0, &ignored) < 0))
		db_rollback(db);
}

/* TRUNCATE: syncs the log, copies it into the file, syncs that, and begins an empty log. */
int db_heal(struct db *db, struct err *e)
{
	int code;

	if (set_durable(db, true, e) < 0)
		return -1;
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return code == SQLITE_OK ? 0 : fault(db, code, e);
}

size_t db_log_pages(const struct db *db)
{
	return db->log_pages;
}

int db_copy_log(struct db *db, struct err *e)
{
	const int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	db->log_pages = 0;
	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? 0 : fault(db, code, e);
}

/* What is not a frame with the salt of the log's head is no part of the log: zeros behind it are as good as its end. */
void db_lay_out_log(struct db *db, size_t pages)
{
	static const char zeros[65536];
	const off_t size = (off_t)pages * (4096 + 24);
	OWN_FD int fd = open(sqlite3_filename_wal(sqlite3_db_filename(db->handle, "main")), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size >= size)
		return;
	for (off_t at = st.st_size; at < size && pwrite(fd, zeros, sizeof(zeros), at) == sizeof(zeros);)
		at += (off_t)sizeof(zeros);
	(void)!fdatasync(fd);
}

int db_copy(struct db *db, const char *path, struct err *e)
{
	struct db to = { .handle = NULL };
	sqlite3_backup *backup;
	int code = sqlite3_open_v2(path, &to.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, NULL);

	backup = code == SQLITE_OK ? sqlite3_backup_init(to.handle, "main", db->handle, "main") : NULL;
	if (backup) {
		code = sqlite3_backup_step(backup, -1);
		sqlite3_backup_finish(backup);
	}
	if (!backup || code != SQLITE_DONE)
		fault(&to, sqlite3_errcode(to.handle), e);
	else
		code = SQLITE_OK;
	sqlite3_close(to.handle);
	return code == SQLITE_OK ? 0 : err_add(e, "%s", path);
}

struct db_value db_number(uint64_t number)
{
	return (struct db_value){ .kind = DB_NUMBER, .number = number < INT64_MAX ? number : INT64_MAX };
}

struct db_value db_signed(int64_t number)
{
	return (struct db_value){ .kind = DB_NUMBER, .number = (uint64_t)number };
}

struct db_value db_text(const char *text)
{
	return (struct db_value){ .kind = text ? DB_TEXT : DB_NULL, .at = text, .len = text ? strlen(text) : 0 };
}

struct db_value db_bytes(const void *at, size_t len)
{
	return (struct db_value){ .kind = DB_BYTES, .at = at ? at : "", .len = len };
}

struct db_value db_id(const struct store_id *id)
{
	return db_bytes(id->bytes, sizeof(id->bytes));
}

struct db_value db_digest(const struct digest *digest)
{
	return db_bytes(digest->bytes, sizeof(digest->bytes));
}

static int bind(sqlite3_stmt *statement, int at, const struct db_value *value)
{
	switch (value->kind) {
	case DB_NUMBER:
		return sqlite3_bind_int64(statement, at, (sqlite3_int64)value->number);
	case DB_TEXT:
		return sqlite3_bind_text64(statement, at, value->at, value->len, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BYTES:
		return sqlite3_bind_blob64(statement, at, value->at, value->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(statement, at);
	}
}

static int prepare(struct db *db, enum query query, const struct db_value *values, size_t n, struct err *e)
{
	struct db_rows *const rows = &db->rows[query];
	int code = SQLITE_OK;

	assert(!rows->is_open);
	rows->db = db;
	if (!rows->statement)
		code = sqlite3_prepare_v3(db->handle, texts[query], -1, SQLITE_PREPARE_PERSISTENT, &rows->statement, NULL);
	if (code != SQLITE_OK)
		return fault(db, code, e);
	assert((size_t)sqlite3_bind_parameter_count(rows->statement) == n);
	for (size_t i = 0; i < n && code == SQLITE_OK; i++)
		code = bind(rows->statement, (int)i + 1, &values[i]);
	return code == SQLITE_OK ? 0 : fault(db, code, e);
}

int db_run(struct db *db, enum query query, const struct db_value *values, size_t n, struct err *e)
{
	int code;

	if (prepare(db, query, values, n, e) < 0)
		return -1;
	code = sqlite3_step(db->rows[query].statement);
	if (code != SQLITE_DONE)
		fault(db, code, e);
	sqlite3_reset(db->rows[query].statement);
	sqlite3_clear_bindings(db->rows[query].statement);
	return code == SQLITE_DONE ? sqlite3_changes(db->handle) : -1;
}

int db_run_one(struct db *db, enum query query, const struct db_value *values, size_t n, struct err *e)
{
	const int changed = db_run(db, query, values, n, e);

	if (changed == 1 || changed < 0)
		return changed < 0 ? -1 : 0;
	return err_set(e, ERR_BUG, "%d rows instead of one: %.40s", changed, texts[query]);
}

int db_ask(struct db *db, enum query query, const struct db_value *values, size_t n, struct db_rows **out,
	   struct err *e)
{
	if (prepare(db, query, values, n, e) < 0)
		return -1;
	db->rows[query].is_open = true;
	*out = &db->rows[query];
	return 0;
}

int db_next(struct db_rows *rows, struct err *e)
{
	const int code = sqlite3_step(rows->statement);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		fault(rows->db, code, e);
	db_end(rows);
	return code == SQLITE_DONE ? 0 : -1;
}

void db_end(struct db_rows *rows)
{
	if (!rows || !rows->is_open)
		return;
	sqlite3_reset(rows->statement);
	sqlite3_clear_bindings(rows->statement);
	rows->is_open = false;
}

int db_first(struct db *db, enum query query, const struct db_value *values, size_t n, struct db_rows **out,
	     struct err *e)
{
	return db_ask(db, query, values, n, out, e) < 0 ? -1 : db_next(*out, e);
}

int64_t db_column_signed(struct db_rows *rows, int column)
{
	return sqlite3_column_type(rows->statement, column) == SQLITE_INTEGER
		? sqlite3_column_int64(rows->statement, column) : 0;
}

uint64_t db_column(struct db_rows *rows, int column)
{
	const int64_t number = db_column_signed(rows, column);

	return number > 0 ? (uint64_t)number : 0;
}

struct store_bytes db_column_bytes(struct db_rows *rows, int column, struct arena *arena)
{
	const void *const at = sqlite3_column_blob(rows->statement, column);
	const size_t len = (size_t)sqlite3_column_bytes(rows->statement, column);

	return (struct store_bytes){ arena_copy(arena, at ? at : "", at ? len : 0), at ? len : 0 };
}

const char *db_column_text(struct db_rows *rows, int column, struct arena *arena)
{
	return db_column_bytes(rows, column, arena).at;
}

static void copy_exactly(struct db_rows *rows, int column, void *out, size_t len)
{
	const void *const at = sqlite3_column_blob(rows->statement, column);

	if (at && (size_t)sqlite3_column_bytes(rows->statement, column) == len)
		memcpy(out, at, len);
}

struct store_id db_column_id(struct db_rows *rows, int column)
{
	struct store_id id = { .bytes = { 0 } };

	copy_exactly(rows, column, id.bytes, sizeof(id.bytes));
	return id;
}

struct digest db_column_digest(struct db_rows *rows, int column)
{
	struct digest digest = { .bytes = { 0 } };

	copy_exactly(rows, column, digest.bytes, sizeof(digest.bytes));
	return digest;
}
