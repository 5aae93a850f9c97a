/* serve/mix: the turns of two streams can be told from the lengths, however they came. */
#include "serve/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Letters are runs: o and e one byte each of the streams; what is written, and what the lengths say. */
static void check(const char *came, const uint64_t *lengths, size_t n)
{
	const struct store_id id = { .bytes = { 0 } };
	struct mix mix = MIX_NONE;
	struct err e = ERR_INIT;
	struct store_bytes kept;
	size_t at = 0;

	for (const char *c = came; *c; c++)
		assert_int_equal(mix_add(&mix, *c == 'e', 1, -1, &id, &e), 0);
	kept = spool_small(&mix.spool);
	for (size_t i = 0; i < n; i++) {
		uint64_t length = 0;
		const size_t took = mix_read((const char *)kept.at + at, kept.len - at, &length);

		if (!took || length != lengths[i])
			fail_msg("%s: length %zu is %llu", came, i, (unsigned long long)length);
		at += took;
	}
	assert_int_equal(at, kept.len);
	spool_done(&mix.spool);
}

static void lengths_are_of_runs_by_turns(void **state)
{
	(void)state;
	check("", NULL, 0);
	check("ooo", NULL, 0);
	check("eee", NULL, 0);
	check("ooe", (const uint64_t[]){ 2 }, 1);
	check("oeeo", (const uint64_t[]){ 1, 2 }, 2);
	check("eeo", (const uint64_t[]){ 0, 2 }, 2);
	check("eoeo", (const uint64_t[]){ 0, 1, 1, 1 }, 4);
}

static void a_length_takes_as_many_bytes_as_it_needs(void **state)
{
	static const uint64_t lengths[] = { 0, 1, 127, 128, 16383, 16384, (uint64_t)1 << 40 };
	const struct store_id id = { .bytes = { 0 } };

	(void)state;
	for (size_t i = 1; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct mix mix = MIX_NONE;
		struct err e = ERR_INIT;
		uint64_t length = 0;

		assert_int_equal(mix_add(&mix, false, (size_t)lengths[i], -1, &id, &e), 0);
		assert_int_equal(mix_add(&mix, true, 1, -1, &id, &e), 0);
		assert_int_equal(mix_read(mix.spool.small, (size_t)mix.spool.kept, &length), mix.spool.kept);
		assert_true(length == lengths[i]);
		for (size_t cut = 0; cut < mix.spool.kept; cut++)
			assert_int_equal(mix_read(mix.spool.small, cut, &length), 0);
		spool_done(&mix.spool);
	}
}

static void what_is_no_length_is_none(void **state)
{
	char bytes[MIX_LENGTH_MAX + 2];
	uint64_t length = 7;

	(void)state;
	memset(bytes, 0x80, sizeof(bytes));
	assert_int_equal(mix_read(bytes, sizeof(bytes), &length), 0);
	assert_int_equal(length, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_of_runs_by_turns),
		cmocka_unit_test(a_length_takes_as_many_bytes_as_it_needs),
		cmocka_unit_test(what_is_no_length_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
