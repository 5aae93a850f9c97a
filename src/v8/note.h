/* What a guest has of its own, told by ward's code in its process before a byte of anybody's is read there: on pages that
 * the zygote shares with it until then, and that are gone from its memory when it tells that all is done. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct note {
	uint64_t layers;        /* ISOLATE_HAS_*, each set when the kernel has confirmed it */
	uint64_t begun_us;      /* processor time of the guest when it was done; what it uses from then on is its own */
};

/* In the zygote, before it is sealed: room for n. */
MUST_USE int notes_open(size_t n, struct err *e);

/* In the zygote, before the fork: which one the guest writes. Without notes_open() nothing is told. */
void note_choose(size_t i);

/* In the zygote; all zero: nothing was told. */
struct note note_of(size_t i);

/* In the guest. note_done() takes the pages away; -1: it could not, and the guest must not go on. */
void note_layer(unsigned layer);
MUST_USE int note_done(struct err *e);
