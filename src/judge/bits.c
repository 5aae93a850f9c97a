/* Words that depend on the point. Ripple-carry, shift-and-add, restoring division: the circuits of a
 * textbook, since a filter that multiplies is rare and one that divides is an attack. */
#include "judge/bits.h"

struct bits bits_constant(uint32_t value)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = value >> i & 1 ? REGION_ALL : REGION_NONE;
	return out;
}

struct bits bits_word(struct regions *store, enum word word)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = region_bit(store, word, i);
	return out;
}

struct bits bits_choose(struct regions *store, struct region when, const struct bits *yes,
			const struct bits *no)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = region_choose(store, when, yes->bit[i], no->bit[i]);
	return out;
}

struct bits bits_and(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = region_and(store, a->bit[i], b->bit[i]);
	return out;
}

struct bits bits_or(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = region_or(store, a->bit[i], b->bit[i]);
	return out;
}

static struct region differ(struct regions *store, struct region a, struct region b)
{
	return region_choose(store, a, region_not(store, b), b);
}

struct bits bits_xor(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = differ(store, a->bit[i], b->bit[i]);
	return out;
}

/* a + b + carry. */
static struct bits sum(struct regions *store, const struct bits *a, const struct bits *b,
		       struct region carry)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++) {
		const struct region one = differ(store, a->bit[i], b->bit[i]);

		out.bit[i] = differ(store, one, carry);
		carry = region_choose(store, one, carry, a->bit[i]);
	}
	return out;
}

struct bits bits_add(struct regions *store, const struct bits *a, const struct bits *b)
{
	return sum(store, a, b, REGION_NONE);
}

struct bits bits_subtract(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct bits inverse;

	for (unsigned i = 0; i < BITS; i++)
		inverse.bit[i] = region_not(store, b->bit[i]);
	return sum(store, a, &inverse, REGION_ALL);
}

/* Towards the greater end by n, zeros come in. */
static struct bits up(const struct bits *a, unsigned n)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = i >= n ? a->bit[i - n] : REGION_NONE;
	return out;
}

static struct bits down(const struct bits *a, unsigned n)
{
	struct bits out;

	for (unsigned i = 0; i < BITS; i++)
		out.bit[i] = i + n < BITS ? a->bit[i + n] : REGION_NONE;
	return out;
}

struct bits bits_multiply(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct bits out = bits_constant(0);

	for (unsigned i = 0; i < BITS && !regions_are_full(store); i++) {
		const struct bits term = up(a, i);
		const struct bits more = bits_add(store, &out, &term);

		out = bits_choose(store, b->bit[i], &more, &out);
	}
	return out;
}

struct bits bits_divide(struct regions *store, const struct bits *a, const struct bits *b)
{
	const struct bits zero = bits_constant(0);
	const struct region by_zero = bits_equal(store, b, &zero);
	struct bits rest = zero, out = zero;

	for (unsigned i = BITS; i-- > 0 && !regions_are_full(store);) {
		/* The bit that leaves the rest says that it is larger than any divisor. */
		const struct region over = rest.bit[BITS - 1];
		struct bits less;

		rest = up(&rest, 1);
		rest.bit[0] = a->bit[i];
		out.bit[i] = region_or(store, over,
				       region_not(store, bits_above(store, b, &rest)));
		less = bits_subtract(store, &rest, b);
		rest = bits_choose(store, out.bit[i], &less, &rest);
	}
	return bits_choose(store, by_zero, &zero, &out);
}

static struct bits shift(struct regions *store, const struct bits *a, const struct bits *by,
			 struct bits (*move)(const struct bits *a, unsigned n))
{
	struct bits out = *a;

	for (unsigned i = 0; i < 5; i++) {
		const struct bits moved = move(&out, 1u << i);

		out = bits_choose(store, by->bit[i], &moved, &out);
	}
	return out;
}

struct bits bits_shift_left(struct regions *store, const struct bits *a, const struct bits *b)
{
	return shift(store, a, b, up);
}

struct bits bits_shift_right(struct regions *store, const struct bits *a, const struct bits *b)
{
	return shift(store, a, b, down);
}

struct region bits_equal(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct region same = REGION_ALL;

	/* From the least, which lies deepest, so that each step only adds on top. */
	for (unsigned i = 0; i < BITS; i++)
		same = region_choose(store, differ(store, a->bit[i], b->bit[i]), REGION_NONE, same);
	return same;
}

struct region bits_above(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct region above = REGION_NONE;

	for (unsigned i = 0; i < BITS; i++)
		above = region_choose(store, differ(store, a->bit[i], b->bit[i]), a->bit[i], above);
	return above;
}

struct region bits_meet(struct regions *store, const struct bits *a, const struct bits *b)
{
	struct region meet = REGION_NONE;

	for (unsigned i = 0; i < BITS; i++)
		meet = region_or(store, region_and(store, a->bit[i], b->bit[i]), meet);
	return meet;
}
