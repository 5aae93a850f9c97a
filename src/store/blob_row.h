/* Rows of files inside a transaction. */
#pragma once

#include "store/store_blob.h"
#include "store/writer.h"

/* Adds the tenant's blob, or puts the new file in the trash when it has those bytes already. */
MUST_USE int blob_add(struct writer *w, uint64_t tenant, const struct store_blob *blob, bool *is_new, struct err *e);

/* Removes a job that has ended; blobs that nothing else needs may go from now on. */
MUST_USE int job_remove(struct writer *w, uint64_t tenant, const struct store_id *id, struct err *e);
/* Blobs whose time is over, up to `limit`; *n: how many. */
MUST_USE int blob_reap(struct writer *w, struct op *op, size_t limit, size_t *n, struct err *e);
