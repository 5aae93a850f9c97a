/* What a job wrote, read while it grows and afterwards: from the dispatcher's memory or the result's row while it is little,
 * from its files when it is more. An offset means the same byte in all of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store_job.h"

struct front;

/* Both streams, and by which turns they were written (serve/mix.h). */
enum { TAIL_OUT = STORE_OUT, TAIL_ERR = STORE_ERR, TAIL_MIX = STORE_MIX, TAILS = STORE_KEPT };

struct tail {
	struct front *front;
	uint64_t tenant;
	struct store_id job;
	int fds[TAILS];                 /* -1: not opened yet */
};

struct tail tail_of(struct front *front, uint64_t tenant, const struct store_id *job);
void tail_done(struct tail *tail);

/* Bytes from offset on: 0 at the end of what there is. What cannot be read is as if it were not there. */
size_t tail_read(struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max);
uint64_t tail_size(struct tail *tail, unsigned which);

/* What lies in memory or in the result's row, which is little (SPOOL_SMALL); -1: it is in the file, if anywhere. */
ssize_t tail_small(const struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max);
/* A descriptor of its own, for who reads the file whole; -1 when there is none. */
int tail_open(const struct tail *tail, unsigned which);
