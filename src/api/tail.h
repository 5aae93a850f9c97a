/* What a job wrote, read while it grows. The dispatcher appends to two files; nothing else says what was written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

enum { TAIL_OUT, TAIL_ERR, TAILS };

struct tail {
	struct store_id job;
	int state_fd, fds[TAILS];       /* -1: not opened yet: nothing was written */
};

struct tail tail_of(int state_fd, const struct store_id *job);
void tail_done(struct tail *tail);

/* Bytes from offset on: 0 at the end of what there is. What cannot be read is as if it were not there. */
size_t tail_read(struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max);
uint64_t tail_size(struct tail *tail, unsigned which);

/* A descriptor of its own, for who reads the file whole; -1 when there is none. */
int tail_open(const struct tail *tail, unsigned which);
