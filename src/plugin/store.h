/* Where plug-ins' data lies: one SQLite file of the host's, a namespace a plug-in. No engine is in this process, and
 * no worker names a namespace: it is bound to each statement here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "plugin/journal.h"

/* One namespace of a file. */
struct store;

/* Opens the file, which is made when it is not there (for its owner alone), and the namespace in it. A namespace
 * belongs to the module that used it first; another one gets it only with `adopt`.
 *
 * patience_ms  how long to wait for another process that writes
 * Errors: ERR_DENIED: another module's namespace; ERR_CONFLICT: locked for longer; ERR_USAGE: no store of ward's;
 * ERR_SYSTEM, ERR_LIMIT: SQLite's reason */
MUST_USE int store_open(const char *path, const char *space, const struct digest *module, bool adopt, int patience_ms,
			struct store **out, struct err *e);
void store_close(struct store *store);

/* A number that grows with each change of the namespace, whoever makes it. */
MUST_USE int store_version(struct store *store, uint64_t *version, struct err *e);

/* All pairs as a journal of puts, and the version they are of.
 *
 * *out  allocated, the caller's
 * Errors: ERR_LIMIT: more than `most` bytes */
MUST_USE int store_snapshot(struct store *store, size_t most, uint8_t **out, size_t *len, uint64_t *version, struct err *e);

/* Applies the puts of a journal that journal_check() has passed, in one transaction that is on the disk afterwards.
 *
 * *version  which the journal is based on; the new one on success
 * Errors: ERR_CONFLICT: somebody else has changed the namespace since, or holds it; ERR_LIMIT: the namespace would be
 * over the bounds, or the disk is full. Nothing is changed then */
MUST_USE int store_apply(struct store *store, const uint8_t *journal, size_t len, const struct journal_bounds *bounds,
			 uint64_t *version, struct err *e);
