/* The syntax of systemd's unit files: sections, keys and values. Source: systemd.syntax(7) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define UNIT_BYTES ((size_t)1 << 20)    /* systemd's own limit for a line */

/* Set with unit_init(). */
struct unit {
	const char *name;               /* of the file, for errors; borrowed */
	const char *at, *end;
	uint32_t line;                  /* of `at` */
	struct str section, key, value;
};

/* One assignment; texts are borrowed until the next. A line that goes on in the next ("\") has a line break
 * in its value where there was one in the file, so that words can be found on their lines. */
struct unit_entry {
	const char *section, *key, *value;
	uint32_t line;
};

/* Errors: ERR_LIMIT over UNIT_BYTES, ERR_USAGE for zero bytes */
MUST_USE int unit_init(struct unit *unit, const char *name, const char *text, size_t len, struct err *e);
void unit_done(struct unit *unit);

/* Returns 1, 0 at the end, -1.
 * Errors: ERR_USAGE for a line that is no assignment, section or comment */
MUST_USE int unit_next(struct unit *unit, struct unit_entry *out, struct err *e);

/* Takes the next word of a value, at most cap - 1 bytes of it; a '"' around it is taken off. line starts as the
 * entry's and follows. Returns false at the end. */
bool unit_word(const char **value, uint32_t *line, char *word, size_t cap);
