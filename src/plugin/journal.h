/* What a call leaves behind, and what a namespace holds, in bytes: one record behind the other. The worker writes
 * it, the host reads it as what it is: bytes of somebody who may have been broken into. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JOURNAL_KEY  256                /* bytes of a key, at least one */
#define JOURNAL_LINE 4096               /* bytes of a line for the log */

enum journal_kind { JOURNAL_PUT = 1, JOURNAL_LOG = 2 };

/* In front of key and value. */
struct journal_head {
	uint8_t kind, level;            /* level: of a line, else 0 */
	uint16_t key_len;               /* of a put, else 0 */
	uint32_t value_len;             /* 0 in a put: the key goes */
};

struct journal_record {
	enum journal_kind kind;
	uint8_t level;
	const uint8_t *key, *value;     /* borrowed from the bytes */
	uint32_t key_len, value_len;
};

/* The next record at *at, which goes behind it.
 *
 * Returns 1, 0 at the end, -1: not a journal. */
int journal_next(const uint8_t *bytes, size_t len, size_t *at, struct journal_record *out);

/* What a call may leave at most. */
struct journal_bounds {
	uint64_t keys, bytes, value, log;
};

/* Fails unless all of it is records, within the bounds, and no key is longer than JOURNAL_KEY. */
MUST_USE int journal_check(const uint8_t *bytes, size_t len, const struct journal_bounds *bounds, struct err *e);

/* The longest journal that the bounds allow. */
uint64_t journal_most(const struct journal_bounds *bounds);

/* Writes one record behind *at; false when it does not fit into cap. */
bool journal_put(uint8_t *bytes, size_t cap, size_t *at, const struct journal_record *record);
