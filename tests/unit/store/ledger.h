/* The ledger: looks at the rows with a connection of its own and says what does not agree. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

/* Each yields one row for each thing that is wrong. */
static const char *const ledger[] = {
	"SELECT 'no result of an ended job' FROM jobs j WHERE state >= 5 AND NOT EXISTS(SELECT 1 FROM results r WHERE "
	"r.tenant_id = j.tenant_id AND r.job_id = j.job_id AND r.state = j.state)",
	"SELECT 'a result of a job that has not ended' FROM jobs j JOIN results r USING(tenant_id, job_id) WHERE j.state < 5",
	"SELECT 'queued is counted wrong' FROM usage u WHERE queued <> (SELECT count(*) FROM jobs j WHERE "
	"j.tenant_id = u.tenant_id AND state = 0)",
	"SELECT 'running is counted wrong' FROM usage u WHERE running <> (SELECT count(*) FROM jobs j WHERE "
	"j.tenant_id = u.tenant_id AND state BETWEEN 1 AND 4)",
	"SELECT 'created is not ended and live' FROM usage u WHERE created <> queued + running + "
	"(SELECT coalesce(sum(n), 0) FROM endings e WHERE e.tenant_id = u.tenant_id)",
	"SELECT 'a ready job is not in its queue' FROM jobs j WHERE state = 0 AND pause_until_ms = 0 AND NOT EXISTS("
	"SELECT 1 FROM queue q WHERE q.tenant_id = j.tenant_id AND q.job_id = j.job_id AND q.class = j.class)",
	"SELECT 'a queue has what is not ready' FROM queue q WHERE NOT EXISTS(SELECT 1 FROM jobs j WHERE "
	"q.tenant_id = j.tenant_id AND q.job_id = j.job_id AND state = 0 AND pause_until_ms = 0)",
	"SELECT 'a job is in two queues' FROM queue GROUP BY tenant_id, job_id HAVING count(*) > 1",
	"SELECT 'a lease without a holder, or the reverse' FROM jobs WHERE (lease_until_ms > 0) <> (state BETWEEN 1 AND 4) "
	"OR (lease_boot IS NOT NULL) <> (lease_until_ms > 0)",
	"SELECT 'an attempt is open, or none is' FROM jobs j WHERE (state BETWEEN 1 AND 4) <> (SELECT count(*) FROM "
	"attempts a WHERE a.tenant_id = j.tenant_id AND a.job_id = j.job_id AND ended_ms = 0)",
	"SELECT 'more attempts than allowed' FROM jobs WHERE attempt > max_attempts",
	"SELECT 'events have gaps' FROM jobs j WHERE last_seq <> (SELECT count(*) FROM events v WHERE "
	"v.tenant_id = j.tenant_id AND v.job_id = j.job_id) OR last_seq <> (SELECT max(seq) FROM events v WHERE "
	"v.tenant_id = j.tenant_id AND v.job_id = j.job_id)",
	"SELECT 'no document' FROM jobs j WHERE NOT EXISTS(SELECT 1 FROM documents d WHERE d.tenant_id = j.tenant_id AND "
	"d.job_id = j.job_id)",
	"SELECT 'blobs are counted wrong' FROM usage u WHERE blobs <> (SELECT count(*) FROM blobs b WHERE "
	"b.tenant_id = u.tenant_id) OR blob_bytes <> (SELECT coalesce(sum(bytes), 0) FROM blobs b WHERE "
	"b.tenant_id = u.tenant_id)",
	"SELECT 'memory is counted wrong' FROM usage u WHERE memory_bytes <> (SELECT coalesce(sum(memory_bytes), 0) FROM jobs j "
	"WHERE j.tenant_id = u.tenant_id AND state BETWEEN 1 AND 4)",
	"SELECT 'sessions are counted wrong' FROM usage u WHERE sessions <> (SELECT coalesce(sum(is_session), 0) FROM jobs j "
	"WHERE j.tenant_id = u.tenant_id AND state < 5)",
	"SELECT 'kept output is counted wrong' FROM usage u WHERE output_bytes <> (SELECT coalesce(sum(kept_bytes), 0) FROM "
	"results r WHERE r.tenant_id = u.tenant_id)",
	"SELECT 'a blob that is needed may go' FROM blobs b WHERE (keep_until_ms = 0) <> EXISTS(SELECT 1 FROM artifacts a "
	"WHERE a.tenant_id = b.tenant_id AND a.digest = b.digest)",
	"SELECT 'results and audit differ' FROM usage u WHERE (SELECT coalesce(sum(n), 0) FROM endings e WHERE "
	"e.tenant_id = u.tenant_id) <> (SELECT count(*) FROM audit a WHERE a.tenant_id = u.tenant_id AND "
	"action = 'job.result')",
	"SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	"SELECT * FROM pragma_foreign_key_check",
};

/* A directory of one's own, in memory where there is a place for it: the tests end processes and break calls, and what
 * a process wrote is there for the next one, disk or not. */
static inline void ledger_place(char dir[64])
{
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/store-XXXXXX" : "/tmp/ward-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static inline sqlite3 *ledger_open(const char *dir)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/store.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return db;
}

/* Who is killed while the schema is brought up has told nobody anything, and the next one goes on with that. */
static inline bool ledger_is_whole(sqlite3 *db)
{
	sqlite3_stmt *statement;
	int version;

	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version >= 5;
}

static inline void ledger_check(const char *dir)
{
	sqlite3 *const db = ledger_open(dir);
	const bool is_whole = ledger_is_whole(db);

	for (size_t i = 0; is_whole && i < sizeof(ledger) / sizeof(*ledger); i++) {
		sqlite3_stmt *statement;

		if (sqlite3_prepare_v2(db, ledger[i], -1, &statement, NULL) != SQLITE_OK)
			fail_msg("%s: %s", sqlite3_errmsg(db), ledger[i]);
		if (sqlite3_step(statement) != SQLITE_DONE)
			fail_msg("%s", sqlite3_column_text(statement, 0));
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
}
