/* The seam between the store and a database: queries by name, values in, columns out. What stands above it
 * knows no type of SQLite's, and every word of SQL is in queries.def and the schema. */
#pragma once

#include "store/store.h"

enum query {
#define QUERY(id, sql) Q_##id,
#include "store/queries.def"
#undef QUERY
	QUERIES
};

struct db;
struct db_rows;

/* Opens a connection; the writer's makes the file. Each belongs to one thread.
 *
 * Errors: ERR_CONFLICT (sys EBUSY): locked by another process; ERR_SYSTEM (sys EUCLEAN): damaged, or not ours */
MUST_USE int db_open(const char *path, bool is_writer, struct db **out, struct err *e);
void db_close(struct db *db);

/* The schema's version, 0 in a new file; and statements without values, for the schema alone. */
MUST_USE int db_version(struct db *db, uint64_t *out, struct err *e);
MUST_USE int db_script(struct db *db, const char *sql, struct err *e);

/* One transaction at a time. durable: the commit lies on the disk when it returns, and all earlier ones; otherwise a
 * killed process loses nothing of it, a power cut may. It is said at the beginning. */
MUST_USE int db_begin(struct db *db, bool is_durable, struct err *e);
MUST_USE int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
/* False after an error that ended the whole transaction. */
bool db_is_in_transaction(const struct db *db);

/* A piece of a transaction that can be undone alone; they do not nest. */
MUST_USE int db_mark(struct db *db, struct err *e);
MUST_USE int db_keep(struct db *db, struct err *e);
void db_undo(struct db *db);

/* After an error of the disk: everything that was committed is brought into the file and synced again, before
 * anything is believed to be safe. */
MUST_USE int db_heal(struct db *db, struct err *e);

/* The log of what was committed. It is copied into the database file when the caller says so, as a commit would
 * otherwise do it now and then, and whoever waits for that one would wait for all others.
 *
 * db_log_pages    how long it is
 * db_copy_log     copies what no reader keeps from it; the next commit then begins it anew
 * db_lay_out_log  gives the file that many pages: to overwrite bytes is brought to the disk in half the time that a longer
 *                 file takes. What a disk has no room for is left out */
size_t db_log_pages(const struct db *db);
MUST_USE int db_copy_log(struct db *db, struct err *e);
void db_lay_out_log(struct db *db, size_t pages);

MUST_USE int db_copy(struct db *db, const char *path, struct err *e);

/* A value. Pointers must live until the query has run. */
enum db_kind { DB_NULL, DB_NUMBER, DB_TEXT, DB_BYTES };
struct db_value {
	enum db_kind kind;
	uint64_t number;
	const void *at;
	size_t len;
};
struct db_value db_number(uint64_t number);    /* what is above INT64_MAX becomes that */
struct db_value db_signed(int64_t number);
struct db_value db_text(const char *text);     /* NULL is NULL */
struct db_value db_bytes(const void *at, size_t len);
struct db_value db_id(const struct store_id *id);
struct db_value db_digest(const struct digest *digest);

/* The two arguments "values, how many". */
#define DB_WITH(...) \
	(const struct db_value[]){ __VA_ARGS__ }, sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)

/* Runs a query that yields no rows. Returns how many rows it changed, -1. */
MUST_USE int db_run(struct db *db, enum query query, const struct db_value *values, size_t n, struct err *e);
/* The same where it must be exactly one row: 0; any other number is ERR_BUG. */
MUST_USE int db_run_one(struct db *db, enum query query, const struct db_value *values, size_t n, struct err *e);

/* Runs a query that yields rows; db_next() gives 1 for each, 0 at the end, -1. One and the same query does not run
 * twice at a time. db_end() may come early, and accepts NULL. */
MUST_USE int db_ask(struct db *db, enum query query, const struct db_value *values, size_t n, struct db_rows **out,
		    struct err *e);
MUST_USE int db_next(struct db_rows *rows, struct err *e);
void db_end(struct db_rows *rows);

/* The first row alone: 1 and *out, 0, -1. */
MUST_USE int db_first(struct db *db, enum query query, const struct db_value *values, size_t n, struct db_rows **out,
		      struct err *e);

/* Columns of the row that was given last; a column of another kind or size is zero or empty, never an error. */
uint64_t db_column(struct db_rows *rows, int column);
int64_t db_column_signed(struct db_rows *rows, int column);
const char *db_column_text(struct db_rows *rows, int column, struct arena *arena);      /* NULL is "" */
struct store_bytes db_column_bytes(struct db_rows *rows, int column, struct arena *arena);
struct store_id db_column_id(struct db_rows *rows, int column);
struct digest db_column_digest(struct db_rows *rows, int column);
