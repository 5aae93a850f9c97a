/* api/range: which bytes a header asks for (RFC 9110 section 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/range.h"
#include "base/mem.h"

static const struct {
	const char *header;
	uint64_t size;
	enum range_outcome outcome;
	uint64_t first, last;
} rows[] = {
	{ NULL, 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=0-0", 10, RANGE_PART, 0, 0 },
	{ "bytes=0-", 10, RANGE_PART, 0, 9 },
	{ "bytes=3-5", 10, RANGE_PART, 3, 5 },
	{ "bytes=3-500", 10, RANGE_PART, 3, 9 },
	{ "bytes=-3", 10, RANGE_PART, 7, 9 },
	{ "bytes=-300", 10, RANGE_PART, 0, 9 },
	{ "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=5-3", 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=", 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=-", 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=0-1x", 10, RANGE_WHOLE, 0, 0 },
	{ "bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 0 },
	{ "items=0-1", 10, RANGE_WHOLE, 0, 0 },
};

static void each_header_means_these_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t first = 0, last = 0;

		if (range_read(rows[i].header, rows[i].size, &first, &last) != rows[i].outcome || first != rows[i].first || last != rows[i].last)
			fail_msg("%s of %d: %d-%d", rows[i].header, (int)rows[i].size, (int)first, (int)last);
	}
}

static void a_piece_says_where_it_belongs(void **state)
{
	static const char *const bad[] = { "", "bytes", "bytes 0-1", "bytes 0-1/", "bytes 1-0/5", "bytes 0-5/5", "bytes 0-1/*",
					   "bytes=0-1/5", "bytes 0-1/5 ", "bytes -1-2/5", "bytes */", "lines 0-1/5" };
	struct range_put put = { .total = 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (range_read_put(bad[i], &put))
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(put.total, 77);
	assert_true(range_read_put("bytes 0-1023/4096", &put));
	assert_int_equal(put.last, 1023);
	assert_int_equal(put.total, 4096);
	assert_false(put.asks);
	assert_true(range_read_put("bytes */4096", &put));
	assert_true(put.asks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_header_means_these_bytes),
		cmocka_unit_test(a_piece_says_where_it_belongs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
