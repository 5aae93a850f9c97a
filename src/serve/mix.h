/* In which order a job wrote its two streams: the lengths of the runs, by turns, standard output's first. There is none
 * before both have been used, and the last run is not in it: it is what is left. Each byte kept costs one of it at most. */
#pragma once

#include "serve/spool.h"

struct mix {
	struct spool spool;
	bool has_begun, is_err; /* the run that is open, and whose */
	uint64_t run;
};
#define MIX_NONE ((struct mix){ .spool = { .place = PLACE_MIX, .fd = -1 } })

/* n bytes of that stream come next. Errors: ERR_SYSTEM (full disk) */
MUST_USE int mix_add(struct mix *mix, bool is_err, size_t n, int state_fd, const struct store_id *id,
			     struct err *e);

/* The next length. Returns the bytes it takes, 0 when there is no whole one. */
size_t mix_read(const char *bytes, size_t n, uint64_t *out);
#define MIX_LENGTH_MAX 10      /* bytes of a length */
