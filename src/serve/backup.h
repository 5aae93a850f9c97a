/* A service's state, kept elsewhere: its database at one moment, the files that names, and a list of digests. The
 * service may run meanwhile. What is rebuilt by itself (caches, parked boxes) is not in it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct backup {
	/* Called now and then; NULL is nobody. */
	void (*tell)(void *at, const struct backup *backup);
	/* A file that is not what the database says; it is kept as it is. */
	void (*tell_damaged)(void *at, const char *path);
	void *at;
	uint64_t jobs, files, bytes;    /* so far; bytes of files alone */
	uint64_t gone;                  /* files that were removed while the copy was made, with their jobs */
	uint64_t damaged;
};

/* state  a state directory
 * out    a path where nothing is: made whole, or not at all
 *
 * Errors: ERR_CONFLICT: something is at `out`, or the database is locked; ERR_SYSTEM */
MUST_USE int backup_make(struct backup *backup, const char *state, const char *out, struct err *e);

/* Reads all of it: every file has its digest, the database is whole, every blob it names is there and is what it says.
 *
 * Errors: ERR_SYSTEM: the first thing that is wrong; ERR_USAGE: the list */
MUST_USE int backup_check(struct backup *backup, const char *from, struct err *e);

/* Checks as above while it copies.
 *
 * state  a path where nothing is, or an empty directory; changed only after all was found whole
 * owner  whom it belongs to then; -1: who calls
 *
 * Errors: as above; ERR_CONFLICT: there is a state already */
MUST_USE int backup_restore(struct backup *backup, const char *from, const char *state, uid_t owner, gid_t group, struct err *e);
