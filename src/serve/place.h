/* Where files lie below the state directory. Names are ids of ours and never a client's words. */
#pragma once

#include "base/err.h"
#include "store/store.h"

#define PLACE_MAX 48

enum place { PLACE_STDOUT, PLACE_STDERR, PLACE_MIX, PLACE_BLOB, PLACE_CACHE, PLACES };

/* "log/7f/ID.out", ".err", ".mix" of a job's id; "blob/7f/ID" of a blob's or artefact's file; "cache/7f/ID". The
 * directory in the middle is the id's last byte: the first ones are time. */
void place_name(enum place place, const struct store_id *id, char out[PLACE_MAX]);

/* The directory in the middle. */
void place_directory(enum place place, unsigned byte, char out[PLACE_MAX]);

/* Makes the directories, all of them, once: nothing is made where a job waits.
 *
 * Errors: ERR_SYSTEM */
MUST_USE int place_make(int state_fd, struct err *e);
