/* The schema and its upgrades: script n brings version n - 1 to n, each in a transaction of its own. */
#include <stdio.h>

#include "store/writer.h"

static const char *const scripts[] = {
#define EMBED(name, text, bare) text,
#include "schema.inc"
#undef EMBED
};

static int bring_to(struct db *db, uint64_t version, struct err *e)
{
	char stamp[64];

	snprintf(stamp, sizeof(stamp), "PRAGMA user_version=%u", (unsigned)version);
	if (db_begin(db, true, e) < 0)
		return -1;
	if (db_script(db, scripts[version - 1], e) < 0 || db_script(db, stamp, e) < 0) {
		db_rollback(db);
		return -1;
	}
	crash_at(CRASH_OPEN_SCHEMA);
	return db_commit(db, e);
}

int schema_bring(struct db *db, struct err *e)
{
	uint64_t version;

	if (db_version(db, &version, e) < 0)
		return -1;
	if (version > ARRAY_SIZE(scripts))
		return err_set(e, ERR_UNSUPPORTED, "the database has schema %u, this ward knows %u: use the newer ward",
			       (unsigned)version, (unsigned)ARRAY_SIZE(scripts));
	while (version < ARRAY_SIZE(scripts))
		if (bring_to(db, ++version, e) < 0)
			return err_add(e, "schema %u", (unsigned)version);
	return 0;
}
