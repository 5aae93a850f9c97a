/* plugin/journal: what a worker that was broken into could write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plugin/journal.h"

static const struct journal_bounds bounds = { .keys = 2, .bytes = 64, .value = 16, .log = 64 };

static void records_are_read_as_they_were_written(void **state)
{
	static const struct journal_record wrote[] = {
		{ JOURNAL_PUT, 0, (const uint8_t *)"key", (const uint8_t *)"value", 3, 5 },
		{ JOURNAL_PUT, 0, (const uint8_t *)"gone", (const uint8_t *)"", 4, 0 },
		{ JOURNAL_LOG, 2, (const uint8_t *)"", (const uint8_t *)"line", 0, 4 },
	};
	uint8_t bytes[128];
	struct journal_record record;
	size_t len = 0, at = 0;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrote); i++)
		assert_true(journal_put(bytes, sizeof(bytes), &len, &wrote[i]));
	assert_int_equal(journal_check(bytes, len, &bounds, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrote); i++) {
		assert_int_equal(journal_next(bytes, len, &at, &record), 1);
		assert_int_equal(record.kind, wrote[i].kind);
		assert_int_equal(record.level, wrote[i].level);
		assert_int_equal(record.key_len, wrote[i].key_len);
		assert_memory_equal(record.key, wrote[i].key, wrote[i].key_len);
		assert_int_equal(record.value_len, wrote[i].value_len);
		assert_memory_equal(record.value, wrote[i].value, wrote[i].value_len);
	}
	assert_int_equal(journal_next(bytes, len, &at, &record), 0);
}

static void what_does_not_fit_is_not_written(void **state)
{
	const struct journal_record put = { JOURNAL_PUT, 0, (const uint8_t *)"key", (const uint8_t *)"value", 3, 5 };
	uint8_t bytes[16] = { 0 };
	size_t len = 1;

	(void)state;
	assert_false(journal_put(bytes, sizeof(bytes), &len, &put));
	assert_int_equal(len, 1);
	len = 0;
	assert_true(journal_put(bytes, sizeof(bytes), &len, &put));
}

static size_t write(uint8_t *bytes, const struct journal_head *heads, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		memcpy(bytes + len, &heads[i], sizeof(*heads));
		len += sizeof(*heads);
		memset(bytes + len, 'x', (size_t)heads[i].key_len + heads[i].value_len);
		len += (size_t)heads[i].key_len + heads[i].value_len;
	}
	return len;
}

static void a_journal_that_breaks_a_rule_is_refused_whole(void **state)
{
	static const struct {
		struct journal_head heads[5];
		size_t n, cut;
		const char *error;      /* NULL: fine */
	} rows[] = {
		{ { { 1, 0, 1, 16 }, { 2, 3, 0, 9 } }, 2, 0, NULL },
		{ { { 1, 0, 1, 16 } }, 1, 1, "byte 0 is no record" },
		{ { { 1, 0, 1, 16 } }, 1, 20, "byte 0 is no record" },
		{ { { 0, 0, 1, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 3, 0, 1, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 1, 0, 0, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 1, 0, 257, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 1, 1, 1, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 2, 0, 1, 1 } }, 1, 0, "byte 0 is no record" },
		{ { { 2, 0, 0, 4097 } }, 1, 0, "byte 0 is no record" },
		{ { { 1, 0, 1, 17 } }, 1, 0, "a value of 17 bytes; quota.value is 16" },
		{ { { 1, 0, 60, 5 } }, 1, 0, "quota.bytes 64" },
		{ { { 1, 0, 1, 1 }, { 1, 0, 1, 1 }, { 1, 0, 1, 1 }, { 1, 0, 1, 1 }, { 1, 0, 1, 1 } }, 5, 0, "5 keys" },
		{ { { 2, 0, 0, 57 } }, 1, 0, "65 bytes of log; quota.log is 64" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t bytes[8192];
		const size_t len = write(bytes, rows[i].heads, rows[i].n) - rows[i].cut;
		struct err e = ERR_INIT;

		assert_int_equal(journal_check(bytes, len, &bounds, &e), rows[i].error ? -1 : 0);
		if (rows[i].error && !strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s, not %s", i, e.text, rows[i].error);
	}
}

static void a_length_that_reaches_around_is_refused(void **state)
{
	const struct journal_head head = { 1, 0, 8, UINT32_MAX - 4 };
	uint8_t bytes[64] = { 0 };
	struct journal_record record;
	size_t at = 0;

	(void)state;
	memcpy(bytes, &head, sizeof(head));
	assert_int_equal(journal_next(bytes, sizeof(bytes), &at, &record), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_as_they_were_written),
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(a_journal_that_breaks_a_rule_is_refused_whole),
		cmocka_unit_test(a_length_that_reaches_around_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
