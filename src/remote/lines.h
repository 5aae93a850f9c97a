/* Bytes into lines, however they were cut. A line that is too long is left out as a whole, and told as that. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Set max; the rest is zero. */
struct lines {
	size_t max;             /* bytes of a line without its end */
	struct str held;        /* the beginning of one */
	bool is_over;           /* it was longer than that: what is held is not its beginning any more */
};
void lines_done(struct lines *lines);

/* Any bytes but the line's end; line NULL: it was too long. Borrowed for the call. */
typedef void lines_take(void *at, const char *line, size_t len);

void lines_add(struct lines *lines, const char *bytes, size_t len, lines_take *take, void *at);
/* Nothing comes any more: what is held is the last line, if it is anything. */
void lines_end(struct lines *lines, lines_take *take, void *at);
