/* A word of 32 bits whose value depends on the point: one region a bit. Arithmetic as classic BPF does it,
 * for every point at once. What does not fit the store's budget comes out as nonsense, and the store
 * says so. Pure. */
#pragma once

#include <stdint.h>

#include "judge/region.h"

#define BITS 32
struct bits {
	struct region bit[BITS];        /* [0] is the least */
};

struct bits bits_constant(uint32_t value);
struct bits bits_word(struct regions *store, enum word word);

struct bits bits_choose(struct regions *store, struct region when, const struct bits *yes,
			const struct bits *no);
struct bits bits_and(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_or(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_xor(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_add(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_subtract(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_multiply(struct regions *store, const struct bits *a, const struct bits *b);
/* Where b is 0 the result is 0. */
struct bits bits_divide(struct regions *store, const struct bits *a, const struct bits *b);
/* By the low five bits of b. */
struct bits bits_shift_left(struct regions *store, const struct bits *a, const struct bits *b);
struct bits bits_shift_right(struct regions *store, const struct bits *a, const struct bits *b);

/* Where a == b, a > b (unsigned), and where (a & b) is not 0. */
struct region bits_equal(struct regions *store, const struct bits *a, const struct bits *b);
struct region bits_above(struct regions *store, const struct bits *a, const struct bits *b);
struct region bits_meet(struct regions *store, const struct bits *a, const struct bits *b);
