/* The database of a service, copied while the service uses it; and which files such a copy names.
 * No thread, no lock on the directory: what is read is one moment of the database, whatever is committed meanwhile. */
#pragma once

#include "store/store_blob.h"

struct snapshot;

/* Writes the copy: complete, synced, one file without a journal beside it.
 *
 * live   path of a store's database; it is not changed
 * copy   a path where nothing is
 *
 * Errors: ERR_CONFLICT: locked for longer than a moment; ERR_LIMIT: the disk is full; ERR_SYSTEM: damaged, or not ours */
MUST_USE int snapshot_take(const char *live, const char *copy, struct err *e);

/* Opens a database to be asked; checked: reads all of it, and refuses one that is damaged. */
MUST_USE int snapshot_open(const char *path, bool checked, struct snapshot **out, struct err *e);
/* NULL is nothing. */
void snapshot_close(struct snapshot *snapshot);

struct snapshot_file {
	enum store_trash_kind kind;
	struct store_id file;           /* of a log: the job */
	struct digest digest;           /* of a blob */
	uint64_t bytes;                 /* of a blob */
};
/* The next file that the database names; 1, 0 at the end, -1. A blob's file must be there; a job may have no output. */
MUST_USE int snapshot_next(struct snapshot *snapshot, struct snapshot_file *out, struct err *e);
/* Does this database name that file now? 1, 0, -1. */
MUST_USE int snapshot_names(struct snapshot *snapshot, const struct snapshot_file *file, struct err *e);
/* Jobs in it, of all tenants. -1. */
MUST_USE int snapshot_count(struct snapshot *snapshot, uint64_t *jobs, struct err *e);
