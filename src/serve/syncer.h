/* Brings files to the disk in a thread of its own: a sync waits for the disk, and whoever serves requests must not. */
#pragma once

#include <stdbool.h>

#include "store/store_job.h"

#define SYNCER_MOST 256         /* files that wait, or were not told of yet */

struct syncer;

MUST_USE int syncer_new(struct syncer **out, struct err *e);
/* Waits for the one that is on its way; the others are closed as they are. */
void syncer_free(struct syncer *syncer);

/* Readable when syncer_next() has something to tell. The syncer's own. */
int syncer_fd(const struct syncer *syncer);

/* Takes a file over: it is synced and closed. False: too many wait, and it stays the caller's. */
bool syncer_add(struct syncer *syncer, int fd, const struct store_hold *whose);

/* The next one that was synced, in the order they came: whose it was, and what kept it from the disk (0: it lies there,
 * else an errno). False: none. */
bool syncer_next(struct syncer *syncer, struct store_hold *whose, int *fault);
