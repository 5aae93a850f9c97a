/* Regions: set algebra, points, runs of numbers, cubes. */
#include "judge/region.h"

#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/bits.h"

#define X86_64 AUDIT_ARCH_X86_64

static int setup(void **state)
{
	*state = regions_new(REGIONS_NODES);
	return 0;
}

static int teardown(void **state)
{
	regions_free(*state);
	return 0;
}

static void sets_obey_their_algebra(void **state)
{
	struct regions *const s = *state;
	const struct region a = region_range(s, WORD_NR, 10, 99), b = region_arg(s, 1, UINT32_MAX, 0x5412);
	const struct region both = region_and(s, a, b), either = region_or(s, a, b);

	assert_true(region_is_same(region_not(s, either), region_and(s, region_not(s, a), region_not(s, b))));
	assert_true(region_is_same(region_minus(s, a, b), region_minus(s, a, both)));
	assert_true(region_is_same(region_or(s, region_minus(s, a, b), both), a));
	assert_true(region_is_empty(region_minus(s, both, either)));
	assert_true(region_is_same(region_choose(s, a, b, region_not(s, b)),
				   region_not(s, region_choose(s, a, region_not(s, b), b))));
}

static void bounds_of_a_range_belong_to_it(void **state)
{
	static const struct { uint32_t low, high, nr; bool in; } rows[] = {
		{ 0, 0, 0, true }, { 0, 0, 1, false }, { 3, 7, 3, true }, { 3, 7, 7, true }, { 3, 7, 2, false },
		{ 3, 7, 8, false }, { 0, UINT32_MAX, UINT32_MAX, true }, { 7, 3, 5, false },
		{ 0x40000000, UINT32_MAX, 0x3fffffff, false }, { 0x40000000, UINT32_MAX, 0x40000000, true },
	};
	struct regions *const s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct seccomp_data point = { .nr = (int)rows[i].nr };

		assert_int_equal(region_has(s, region_range(s, WORD_NR, rows[i].low, rows[i].high), &point), rows[i].in);
	}
}

static void the_plainest_point_is_picked(void **state)
{
	struct regions *const s = *state;
	struct region r = region_and(s, region_call(s, X86_64, 16), region_arg(s, 1, UINT32_MAX, 0x5412));
	struct seccomp_data point;

	assert_false(region_pick(s, REGION_NONE, &point));
	assert_true(region_pick(s, r, &point));
	assert_true(region_has(s, r, &point));
	assert_int_equal(point.arch, X86_64);
	assert_int_equal(point.nr, 16);
	assert_int_equal(point.args[0], 0);
	assert_int_equal(point.args[1], 0x5412);
	r = region_minus(s, r, region_arg(s, 0, UINT64_MAX, 0));
	assert_true(region_pick(s, r, &point));
	assert_int_equal(point.args[0], 1);
}

static void a_value_outside_its_mask_is_nowhere(void **state)
{
	assert_true(region_is_empty(region_arg(*state, 0, 0xff, 0x100)));
	assert_true(region_is_empty(region_word(*state, WORD_NR, 0, 1)));
	assert_true(region_is_same(region_word(*state, WORD_NR, 0, 0), REGION_ALL));
}

struct seen {
	unsigned runs;
	uint32_t low[4], high[4];
};

static void see(void *at, uint32_t low, uint32_t high, struct region arguments)
{
	struct seen *const seen = at;

	assert_false(region_is_empty(arguments));
	assert_true(seen->runs < 4);
	seen->low[seen->runs] = low;
	seen->high[seen->runs++] = high;
}

static void numbers_with_one_answer_come_in_runs(void **state)
{
	struct regions *const s = *state;
	const struct region arch = region_word(s, WORD_ARCH, UINT32_MAX, X86_64);
	struct region r = region_and(s, arch, region_range(s, WORD_NR, 10, 20));
	struct seen seen = { 0 };

	r = region_minus(s, r, region_and(s, region_call(s, X86_64, 15), region_arg(s, 0, UINT64_MAX, 1)));
	r = region_or(s, r, region_and(s, arch, region_range(s, WORD_NR, 1000, UINT32_MAX)));
	region_each_number(s, r, X86_64, 2000, see, &seen);
	assert_int_equal(seen.runs, 4);
	assert_int_equal(seen.low[0], 10);
	assert_int_equal(seen.high[0], 14);
	assert_int_equal(seen.low[1], 15);
	assert_int_equal(seen.high[1], 15);
	assert_int_equal(seen.low[2], 16);
	assert_int_equal(seen.low[3], 1000);
	assert_int_equal(seen.high[3], 2000);
	assert_true(region_is_same(region_at(s, r, X86_64, 12), REGION_ALL));
	assert_true(region_is_empty(region_at(s, r, AUDIT_ARCH_I386, 12)));
}

static void cubes_make_up_the_region(void **state)
{
	struct regions *const s = *state;
	const struct region r = region_and(s, region_range(s, WORD_ARG_LO, 5, 300), region_arg(s, 2, 7, 3));
	struct region again = REGION_NONE;
	struct cube cubes[64];
	const size_t n = region_cubes(s, r, cubes, 64);

	assert_true(n > 0 && n <= 64);
	for (size_t i = 0; i < n; i++) {
		struct region one = REGION_ALL;

		for (unsigned word = 0; word < WORDS; word++)
			one = region_and(s, one, region_word(s, (enum word)word, cubes[i].mask[word], cubes[i].value[word]));
		assert_true(region_is_empty(region_and(s, one, again)));
		again = region_or(s, again, one);
	}
	assert_true(region_is_same(again, r));
	assert_int_equal(region_cubes(s, r, cubes, 2), 3);
}

/* Constants go through the circuits as numbers would. */
static void arithmetic_is_that_of_32_bits(void **state)
{
	static const uint32_t values[] = { 0, 1, 2, 3, 7, 31, 32, 100, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	static const struct { struct bits (*at)(struct regions *, const struct bits *, const struct bits *); int op; } ops[] = {
		{ bits_add, '+' }, { bits_subtract, '-' }, { bits_multiply, '*' }, { bits_divide, '/' }, { bits_and, '&' },
		{ bits_or, '|' }, { bits_xor, '^' }, { bits_shift_left, '<' }, { bits_shift_right, '>' },
	};
	struct regions *const s = *state;

	for (size_t o = 0; o < sizeof(ops) / sizeof(*ops); o++) {
		for (size_t i = 0; i < 144; i++) {
			const uint32_t x = values[i / 12], y = values[i % 12];
			const struct bits a = bits_constant(x), b = bits_constant(y);
			const struct bits got = ops[o].at(s, &a, &b);
			uint32_t want = 0;

			switch (ops[o].op) {
			case '+': want = x + y; break;
			case '-': want = x - y; break;
			case '*': want = x * y; break;
			case '/': want = y ? x / y : 0; break;
			case '&': want = x & y; break;
			case '|': want = x | y; break;
			case '^': want = x ^ y; break;
			case '<': want = x << (y & 31); break;
			default: want = x >> (y & 31);
			}
			for (unsigned bit = 0; bit < BITS; bit++)
				assert_int_equal(got.bit[bit].node, want >> bit & 1);
			assert_int_equal(bits_above(s, &a, &b).node, x > y);
			assert_int_equal(bits_equal(s, &a, &b).node, x == y);
			assert_int_equal(bits_meet(s, &a, &b).node, (x & y) != 0);
		}
	}
}

static void bits_that_are_forgotten_may_be_anything(void **state)
{
	struct regions *const s = *state;
	const struct region five = region_arg(s, 0, UINT64_MAX, 0x100000005), nr = region_range(s, WORD_NR, 3, 9);
	const struct region seven = region_arg(s, 0, UINT64_MAX, 7), other = region_arg(s, 1, UINT64_MAX, 8);
	const struct region a = region_and(s, nr, region_or(s, five, region_and(s, seven, other)));
	const struct region low = region_forget(s, a, word_arg_hi(0), UINT32_MAX);
	const struct region wanted = region_or(s, region_arg(s, 0, UINT32_MAX, 5),
					       region_and(s, region_arg(s, 0, UINT32_MAX, 7), other));

	assert_true(region_is_same(low, region_and(s, nr, wanted)));
	assert_true(region_is_same(region_forget(s, low, word_arg_hi(0), UINT32_MAX), low));
	assert_true(region_is_same(region_forget(s, a, word_arg_hi(3), UINT32_MAX), a));
	assert_true(region_is_same(region_forget(s, five, word_arg_lo(0), 4), region_or(s, five,
				   region_arg(s, 0, UINT64_MAX, 0x100000001))));
	assert_true(region_is_empty(region_forget(s, REGION_NONE, WORD_NR, UINT32_MAX)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sets_obey_their_algebra, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_of_a_range_belong_to_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_plainest_point_is_picked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_value_outside_its_mask_is_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_with_one_answer_come_in_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(bits_that_are_forgotten_may_be_anything, setup, teardown),
		cmocka_unit_test_setup_teardown(cubes_make_up_the_region, setup, teardown),
		cmocka_unit_test_setup_teardown(arithmetic_is_that_of_32_bits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
