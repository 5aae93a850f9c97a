/* The worker's copy of its own namespace: found by key in a few nanoseconds, changed by puts, and written out as a
 * journal of what changed. The host has the real one; whoever breaks into the worker lies to himself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/journal.h"

struct shelf_entry {
	uint64_t hash;
	uint32_t key_at, key_len;       /* in bytes */
	uint32_t value_at, value_len;   /* 0: the key is gone */
	bool based;                     /* the host has it */
	bool changed;
};

struct shelf {
	struct journal_bounds bounds;
	struct shelf_entry *entries;
	size_t n_entries, cap_entries;
	uint32_t *index;                /* of entries, + 1; 0: free */
	size_t mask;
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	uint64_t live_keys, live_bytes;
};
/* All zero is a shelf that shelf_load() has not filled yet. */
void shelf_done(struct shelf *shelf);

/* Empties the shelf and fills it with the puts of a snapshot; false: that is none. */
bool shelf_load(struct shelf *shelf, const struct journal_bounds *bounds, const uint8_t *snapshot, size_t len);

/* The value of a key; NULL when there is none. Valid until the next put. */
const uint8_t *shelf_get(const struct shelf *shelf, const uint8_t *key, uint32_t key_len, uint32_t *len);

/* Changes a key; an empty value takes it away. */
enum shelf_answer { SHELF_DONE = 0, SHELF_TOO_LARGE = -2, SHELF_OVER_QUOTA = -3 };
enum shelf_answer shelf_put(struct shelf *shelf, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len);

/* Writes what changed behind *at and takes it for the host's from now on; false when it does not fit. */
bool shelf_settle(struct shelf *shelf, uint8_t *journal, size_t cap, size_t *at);
