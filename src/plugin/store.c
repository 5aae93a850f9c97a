/* SQLite, with everything bound and nothing formatted into SQL. Refuses files that are not a store. */
#include "plugin/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define STORE_ID 0x77617264     /* "ward": application_id in the file's header */

enum statement {
	BEGIN, BEGIN_READ, COMMIT, ROLLBACK, GET_SPACE, ADD_SPACE, OWN_SPACE, LIST, SIZE, PUT, REMOVE, COUNT, STEP_VERSION, STATEMENTS
};

static const char *const statements[] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[BEGIN_READ] = "BEGIN",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[GET_SPACE] = "SELECT version, module FROM space WHERE name = ?1",
	[ADD_SPACE] = "INSERT INTO space (name, version, module) VALUES (?1, 1, ?2)",
	[OWN_SPACE] = "UPDATE space SET module = ?2, version = version + 1 WHERE name = ?1",
	[LIST] = "SELECT key, value FROM pair WHERE space = ?1 ORDER BY key",
	[SIZE] = "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM pair WHERE space = ?1",
	[PUT] = "INSERT INTO pair (space, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3",
	[REMOVE] = "DELETE FROM pair WHERE space = ?1 AND key = ?2",
	[COUNT] = "SELECT version FROM space WHERE name = ?1",
	[STEP_VERSION] = "UPDATE space SET version = version + 1 WHERE name = ?1",
};

static const char schema[] =
	"CREATE TABLE space (name TEXT PRIMARY KEY, version INTEGER NOT NULL, module BLOB NOT NULL) WITHOUT ROWID, STRICT;"
	"CREATE TABLE pair (space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)) "
	"WITHOUT ROWID, STRICT;"
	"PRAGMA application_id = 2002874980;" /* STORE_ID */
	"PRAGMA user_version = 1;";

struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENTS];
	const char *path, *space;
	struct arena arena;
};

static int fail(const struct store *store, int code, struct err *e)
{
	const bool is_busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
	const bool is_full = (code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_TOOBIG;

	if (is_busy)
		return err_set(e, ERR_CONFLICT, "%.200s: another process has held it for too long; try again when that is done",
			       store->path);
	return err_set(e, is_full ? ERR_LIMIT : ERR_SYSTEM, "%.200s: %.120s", store->path,
		       store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
}

/* Runs a statement to its next row: SQLITE_ROW or SQLITE_DONE, or -1. Who got a row resets it. */
static int step(struct store *store, enum statement which, struct err *e)
{
	const int code = sqlite3_step(store->prepared[which]);

	if (code == SQLITE_ROW)
		return code;
	if (code != SQLITE_DONE)
		fail(store, code, e);
	sqlite3_reset(store->prepared[which]);
	return code == SQLITE_DONE ? code : -1;
}

static int prepare(struct store *store, struct err *e)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		const int code = sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
						    &store->prepared[i], NULL);

		if (code != SQLITE_OK)
			return fail(store, code, e);
		if (sqlite3_bind_parameter_count(store->prepared[i]))
			sqlite3_bind_text(store->prepared[i], 1, store->space, -1, SQLITE_STATIC);
	}
	return 0;
}

static int pragma(struct store *store, const char *sql, int *out, struct err *e)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	*out = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? 0 : fail(store, code, e);
}

/* An empty file becomes a store; anything else has to be one. With a write-ahead log, where the file system can have
 * it, who only reads never waits for who writes. */
static int make_tables(struct store *store, struct err *e)
{
	int id, tables, code;

	if (pragma(store, "PRAGMA application_id", &id, e) < 0)
		return -1;
	if (id == STORE_ID)
		return 0;
	if (pragma(store, "SELECT count(*) FROM sqlite_schema", &tables, e) < 0)
		return -1;
	code = tables ? SQLITE_OK : sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return fail(store, code, e);
	/* Somebody else may have been faster. */
	if (pragma(store, "PRAGMA application_id", &id, e) < 0 ||
	    pragma(store, "SELECT count(*) FROM sqlite_schema", &tables, e) < 0)
		return -1;
	if (id != STORE_ID && tables)
		return err_set(e, ERR_USAGE, "%.200s is a database, but no store of plug-ins; name another file", store->path);
	code = sqlite3_exec(store->db, id == STORE_ID ? "" : schema, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : fail(store, code, e);
}

/* For its owner alone from the first byte on: SQLite itself would ask the umask. */
static int make_file(const char *path, struct err *e)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return err_sys(e, "%.200s", path);
	const bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	return is_file ? 0 : err_set(e, ERR_USAGE, "%.200s is no file; name one for the plug-ins' data", path);
}

static int open_file(struct store *store, int patience_ms, struct err *e)
{
	int code;

	if (make_file(store->path, e) < 0)
		return -1;
	code = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	if (code != SQLITE_OK)
		return fail(store, code, e);
	/* The file may come from anybody: its schema runs nothing, and cells are looked at before they are believed. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_busy_timeout(store->db, patience_ms);
	sqlite3_extended_result_codes(store->db, 1);
	code = sqlite3_exec(store->db, "PRAGMA cell_size_check = 1; PRAGMA synchronous = FULL;", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : fail(store, code, e);
}

static int refuse_owner(const struct store *store, const void *owner, struct err *e)
{
	struct digest other;
	char text[SHA256_TEXT];

	memcpy(other.bytes, owner, SHA256_BYTES);
	digest_write(&other, text);
	return err_set(e, ERR_DENIED, "namespace %.64s of %.100s belongs to the module with sha256 %s; if this one is to have its "
		       "data, adopt it (--adopt)", store->space, store->path, text);
}

static int own_space(struct store *store, const struct digest *module, bool adopt, struct err *e)
{
	sqlite3_stmt *const get = store->prepared[GET_SPACE];
	const int found = step(store, GET_SPACE, e);
	enum statement which = ADD_SPACE;
	int rc = 0;

	if (found < 0)
		return -1;
	if (found == SQLITE_ROW) {
		const bool has_owner = sqlite3_column_bytes(get, 1) == SHA256_BYTES;
		const bool is_ours = has_owner && memcmp(sqlite3_column_blob(get, 1), module->bytes, SHA256_BYTES) == 0;

		which = OWN_SPACE;
		if (!is_ours && !adopt)
			rc = has_owner ? refuse_owner(store, sqlite3_column_blob(get, 1), e) :
				err_set(e, ERR_USAGE, "%.200s: a namespace without an owner; the file is damaged", store->path);
		sqlite3_reset(get);
		if (rc < 0 || is_ours)
			return rc;
	}
	sqlite3_bind_blob(store->prepared[which], 2, module->bytes, SHA256_BYTES, SQLITE_TRANSIENT);
	return step(store, which, e) < 0 ? -1 : 0;
}

int store_open(const char *path, const char *space, const struct digest *module, bool adopt, int patience_ms,
	       struct store **out, struct err *e)
{
	struct store *const store = mem_alloc(sizeof(*store));

	store->path = arena_copy(&store->arena, path, strlen(path));
	store->space = arena_copy(&store->arena, space, strlen(space));
	if (open_file(store, patience_ms, e) < 0 || make_tables(store, e) < 0 || prepare(store, e) < 0 ||
	    own_space(store, module, adopt, e) < 0) {
		store_close(store);
		return -1;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->prepared[i]);
	sqlite3_close(store->db);
	arena_done(&store->arena);
	mem_free_at(&store);
}

int store_version(struct store *store, uint64_t *version, struct err *e)
{
	const int found = step(store, COUNT, e);

	if (found != SQLITE_ROW)
		return found < 0 ? -1 : err_set(e, ERR_CONFLICT, "%.200s: namespace %.64s is gone", store->path, store->space);
	*version = (uint64_t)sqlite3_column_int64(store->prepared[COUNT], 0);
	sqlite3_reset(store->prepared[COUNT]);
	return 0;
}

static int list_pairs(struct store *store, uint8_t *bytes, size_t cap, size_t *len, struct err *e)
{
	sqlite3_stmt *const list = store->prepared[LIST];
	int found;

	while ((found = step(store, LIST, e)) == SQLITE_ROW) {
		const struct journal_record put = {
			.kind = JOURNAL_PUT,
			.key = sqlite3_column_blob(list, 0), .key_len = (uint32_t)sqlite3_column_bytes(list, 0),
			.value = sqlite3_column_blob(list, 1), .value_len = (uint32_t)sqlite3_column_bytes(list, 1),
		};

		if (!put.key_len || put.key_len > JOURNAL_KEY || !journal_put(bytes, cap, len, &put)) {
			sqlite3_reset(list);
			return err_set(e, ERR_USAGE, "%.200s: the data of namespace %.64s is damaged", store->path, store->space);
		}
	}
	return found < 0 ? -1 : 0;
}

static int count_pairs(struct store *store, uint64_t *keys, uint64_t *bytes, struct err *e)
{
	if (step(store, SIZE, e) != SQLITE_ROW)
		return -1;
	*keys = (uint64_t)sqlite3_column_int64(store->prepared[SIZE], 0);
	*bytes = (uint64_t)sqlite3_column_int64(store->prepared[SIZE], 1);
	sqlite3_reset(store->prepared[SIZE]);
	return 0;
}

/* Size, pairs and version of one moment: within a transaction, else somebody could write in between. */
int store_snapshot(struct store *store, size_t most, uint8_t **out, size_t *len, uint64_t *version, struct err *e)
{
	OWN_MEM uint8_t *bytes = NULL;
	uint64_t keys, held;
	size_t n = 0;
	struct err ignored;
	int rc;

	if (step(store, BEGIN_READ, e) < 0)
		return -1;
	rc = count_pairs(store, &keys, &held, e);
	if (rc == 0 && (held > most || keys > most || held + keys * sizeof(struct journal_head) > most))
		rc = err_set(e, ERR_LIMIT, "namespace %.64s holds %" PRIu64 " bytes, more than a plug-in can be given",
			     store->space, held);
	if (rc == 0) {
		bytes = mem_raw(held + keys * sizeof(struct journal_head) + 1);
		rc = list_pairs(store, bytes, held + keys * sizeof(struct journal_head), &n, e);
	}
	if (rc == 0)
		rc = store_version(store, version, e);
	if (step(store, ROLLBACK, rc < 0 ? &ignored : e) < 0 || rc < 0)
		return -1;
	*out = TAKE_PTR(bytes);
	*len = n;
	return 0;
}

static int apply_one(struct store *store, const struct journal_record *record, struct err *e)
{
	const enum statement which = record->value_len ? PUT : REMOVE;
	sqlite3_stmt *const statement = store->prepared[which];

	sqlite3_bind_blob(statement, 2, record->key, (int)record->key_len, SQLITE_STATIC);
	if (record->value_len)
		sqlite3_bind_blob(statement, 3, record->value, (int)record->value_len, SQLITE_STATIC);
	return step(store, which, e) < 0 ? -1 : 0;
}

static int apply_all(struct store *store, const uint8_t *journal, size_t len, const struct journal_bounds *bounds,
		     uint64_t version, struct err *e)
{
	struct journal_record record;
	uint64_t now, keys, held, keys_before, held_before;
	size_t at = 0;

	if (store_version(store, &now, e) < 0 || count_pairs(store, &keys_before, &held_before, e) < 0)
		return -1;
	if (now != version)
		return err_set(e, ERR_CONFLICT, "somebody else has changed namespace %.64s during the call; call again",
			       store->space);
	while (journal_next(journal, len, &at, &record) > 0)
		if (record.kind == JOURNAL_PUT && apply_one(store, &record, e) < 0)
			return -1;
	if (step(store, STEP_VERSION, e) < 0 || count_pairs(store, &keys, &held, e) < 0)
		return -1;
	/* What was over a quota that has been lowered may shrink step by step. */
	if ((keys > bounds->keys && keys > keys_before) || (held > bounds->bytes && held > held_before))
		return err_set(e, ERR_LIMIT, "namespace %.64s would hold %" PRIu64 " keys and %" PRIu64 " bytes; quota.keys is %"
			       PRIu64 ", quota.bytes %" PRIu64, store->space, keys, held, bounds->keys, bounds->bytes);
	return step(store, COMMIT, e) < 0 ? -1 : 0;
}

int store_apply(struct store *store, const uint8_t *journal, size_t len, const struct journal_bounds *bounds,
		uint64_t *version, struct err *e)
{
	struct err ignored;

	if (step(store, BEGIN, e) < 0)
		return -1;
	if (apply_all(store, journal, len, bounds, *version, e) < 0) {
		if (!sqlite3_get_autocommit(store->db)) /* after SQLITE_FULL SQLite may have rolled back itself */
			(void)!step(store, ROLLBACK, &ignored);
		return -1;
	}
	++*version;
	return 0;
}
