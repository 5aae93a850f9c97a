/* Rows of blobs (inputs that clients uploaded, outputs that jobs declared). Their bytes are files which the caller
 * writes, syncs and renames BEFORE it tells the store, named by an id of store_id_new(): never by a digest, so that a
 * blob that goes while the same bytes come again cannot take the new file with it. */
#pragma once

#include "store/store_list.h"

struct store_blob {
	struct digest digest;
	struct store_id file;
	uint64_t bytes, created_ms;
};
/* DONE: kept; REPLAYED: the tenant has these bytes already, and the new file is in the trash; QUOTA_BLOBS: likewise. */
void store_blob_put(struct store *store, uint64_t tenant, const struct store_blob *blob, store_done *done, void *at);
STORE_FOUND store_blob_get(struct store *store, uint64_t tenant, const struct digest *digest, struct store_blob *out,
			   struct err *e);
STORE_FOUND store_artifact_get(struct store *store, uint64_t tenant, const struct store_id *job, const char *name,
			       struct store_artifact *out, struct err *e);
/* Blobs that no job needs go by themselves a day after they were put or last used. */

/* Files that nothing refers to any more: unlink them, then say so. */
enum store_trash_kind { STORE_TRASH_BLOB, STORE_TRASH_LOG };    /* a blob's file; the output of a purged job */
struct store_trash {
	uint64_t tenant;
	enum store_trash_kind kind;
	struct store_id file;
};
MUST_USE int store_trash_list(struct store *store, size_t limit, struct arena *arena, struct store_trash **out,
			      size_t *n, struct err *e);
void store_trash_done(struct store *store, const struct store_trash *trash, size_t n, store_done *done, void *at);

/* A copy of the whole database while it is in use, consistent and synced. Blocks the caller's thread. */
MUST_USE int store_backup(struct store *store, const char *path, struct err *e);
