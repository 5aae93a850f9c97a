/* Both streams of a job in the order in which they were written, as far as their offsets say they have been read. */
#pragma once

#include "api/tail.h"

struct mixed {
	uint64_t offsets[2];    /* read of each stream; the reader moves them on, or begins with others */
	uint64_t ended[2];      /* of that, in runs that are over */
	uint64_t at;            /* of the next length */
	bool is_err;            /* whose run it is */
};

/* The next bytes, of one stream, without moving on: 0 when there are none now. *is_whole: they are the rest of their run,
 * and the other stream's come next. */
size_t mixed_peek(struct mixed *mixed, struct tail *tail, void *bytes, size_t max, unsigned *which, bool *is_whole);
