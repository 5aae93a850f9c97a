/* plugin/shelf: against a plain array that does the same slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plugin/shelf.h"

#define KEYS 40

static const struct journal_bounds bounds = { .keys = 16, .bytes = 600, .value = 64, .log = 0 };

static const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void a_value_is_found_by_its_key(void **state)
{
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	uint32_t len = 0;

	(void)state;
	assert_true(shelf_load(&shelf, &bounds, NULL, 0));
	assert_null(shelf_get(&shelf, bytes("a"), 1, &len));
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("one"), 3), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, bytes("ab"), 2, bytes("two"), 3), SHELF_DONE);
	assert_memory_equal(shelf_get(&shelf, bytes("a"), 1, &len), "one", 3);
	assert_int_equal(len, 3);
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes(""), 0), SHELF_DONE);
	assert_null(shelf_get(&shelf, bytes("a"), 1, &len));
	assert_int_equal(shelf.live_keys, 1);
	assert_int_equal(shelf.live_bytes, 5);
}

static void what_is_too_large_or_too_much_is_an_answer(void **state)
{
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	uint8_t big[300] = { 1 };
	uint32_t len;

	(void)state;
	assert_true(shelf_load(&shelf, &bounds, NULL, 0));
	assert_int_equal(shelf_put(&shelf, big, 0, big, 1), SHELF_TOO_LARGE);
	assert_int_equal(shelf_put(&shelf, big, JOURNAL_KEY + 1, big, 1), SHELF_TOO_LARGE);
	assert_int_equal(shelf_put(&shelf, big, 1, big, 65), SHELF_TOO_LARGE);
	assert_null(shelf_get(&shelf, big, 300, &len));
	for (uint8_t i = 0; i < 16; i++)
		assert_int_equal(shelf_put(&shelf, &i, 1, big, 1), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, bytes("z"), 1, big, 1), SHELF_OVER_QUOTA);
	for (uint8_t i = 0; i < 8; i++)
		assert_int_equal(shelf_put(&shelf, &i, 1, big, 64), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, (uint8_t[]){ 9 }, 1, big, 64), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, (uint8_t[]){ 10 }, 1, big, 64), SHELF_OVER_QUOTA);
	assert_int_equal(shelf_put(&shelf, (uint8_t[]){ 10 }, 1, big, 0), SHELF_DONE);
}

/* A quota that was lowered: the host's pairs are there, may shrink, and may not grow. */
static void a_namespace_over_its_quota_can_be_emptied(void **state)
{
	static const struct journal_bounds less = { .keys = 1, .bytes = 8, .value = 4, .log = 0 };
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	uint8_t journal[256];
	size_t len = 0;
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(journal_put(journal, sizeof(journal), &len, &(struct journal_record){
			JOURNAL_PUT, 0, (const uint8_t *)"abcd" + i, bytes("0123456789"), 1, 10 }));
	assert_true(shelf_load(&shelf, &less, journal, len));
	assert_non_null(shelf_get(&shelf, bytes("c"), 1, &n));
	assert_int_equal(shelf_put(&shelf, bytes("x"), 1, bytes("1"), 1), SHELF_OVER_QUOTA);
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("12"), 2), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, bytes("b"), 1, bytes(""), 0), SHELF_DONE);
	assert_int_equal(shelf.live_keys, 3);
}

static void what_is_no_snapshot_is_refused(void **state)
{
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	uint8_t journal[64];
	size_t len = 0;

	(void)state;
	assert_false(shelf_load(&shelf, &bounds, bytes("abc"), 3));
	assert_true(journal_put(journal, sizeof(journal), &len, &(struct journal_record){ JOURNAL_LOG, 0, NULL, bytes("x"), 0, 1 }));
	assert_false(shelf_load(&shelf, &bounds, journal, len));
}

struct model {
	uint8_t value[KEYS][64];
	uint32_t len[KEYS];
	bool changed[KEYS], based[KEYS];
	uint64_t keys, total;
};

static uint32_t key_of(uint32_t n, uint8_t *key)
{
	return (uint32_t)snprintf((char *)key, 64, "key %u of a longish kind", n);
}

static enum shelf_answer model_put(struct model *model, uint32_t n, uint32_t key_len, uint8_t fill, uint32_t len)
{
	const uint64_t freed = model->len[n] ? key_len + model->len[n] : 0;

	if (!model->len[n] && !len)
		return SHELF_DONE;
	if (len && ((!model->len[n] && model->keys >= bounds.keys) ||
		    (model->total - freed + key_len + len > bounds.bytes && len > model->len[n])))
		return SHELF_OVER_QUOTA;
	model->keys += (len != 0) - (model->len[n] != 0);
	model->total += (len ? key_len + len : 0) - freed;
	model->len[n] = len;
	memset(model->value[n], fill, len);
	model->changed[n] = true;
	return SHELF_DONE;
}

static void settle_and_compare(struct shelf *shelf, struct model *model)
{
	uint8_t journal[8192], key[64];
	struct journal_record record;
	size_t len = 0, at = 0;

	assert_true(shelf_settle(shelf, journal, sizeof(journal), &len));
	while (journal_next(journal, len, &at, &record) > 0) {
		uint32_t n = 0;

		while (n < KEYS && (key_of(n, key) != record.key_len || memcmp(key, record.key, record.key_len) != 0))
			n++;
		assert_true(n < KEYS && model->changed[n]);
		assert_int_equal(record.value_len, model->len[n]);
		assert_memory_equal(record.value, model->value[n], record.value_len);
		model->changed[n] = false;
		model->based[n] = record.value_len;
	}
	/* What is left was made and taken away again. */
	for (uint32_t n = 0; n < KEYS; n++) {
		assert_true(!model->changed[n] || (!model->len[n] && !model->based[n]));
		model->changed[n] = false;
	}
}

static void many_changes_end_where_an_array_ends(void **state)
{
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	struct model *const model = mem_alloc(sizeof(*model));
	uint64_t random = 12345;

	(void)state;
	assert_true(shelf_load(&shelf, &bounds, NULL, 0));
	for (uint32_t i = 0; i < 200000; i++) {
		uint8_t key[64], value[64];
		uint32_t n, len, found = 0;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		n = (uint32_t)(random >> 40) % KEYS;
		len = (uint32_t)(random >> 50) % 65;
		len = len > 40 ? 0 : len;
		memset(value, (int)(random >> 33 & 0xff), sizeof(value));
		const uint32_t key_len = key_of(n, key);

		assert_int_equal(shelf_put(&shelf, key, key_len, value, len),
				 model_put(model, n, key_len, (uint8_t)(random >> 33), len));
		const uint8_t *const got = shelf_get(&shelf, key, key_len, &found);
		assert_int_equal(got ? found : 0, model->len[n]);
		if (got)
			assert_memory_equal(got, model->value[n], found);
		assert_int_equal(shelf.live_keys, model->keys);
		assert_int_equal(shelf.live_bytes, model->total);
		if (i % 97 == 0)
			settle_and_compare(&shelf, model);
	}
	mem_free_at(&(void *){ model });
}

static void a_value_that_fits_stays_in_its_place(void **state)
{
	__attribute__((cleanup(shelf_done))) struct shelf shelf = { .n_entries = 0 };
	uint32_t len = 0;

	(void)state;
	assert_true(shelf_load(&shelf, &bounds, NULL, 0));
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("one"), 3), SHELF_DONE);
	const size_t before = shelf.n_bytes;

	for (int i = 0; i < 100; i++)
		assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("two"), 3), SHELF_DONE);
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("no"), 2), SHELF_DONE);
	assert_int_equal(shelf.n_bytes, before);
	assert_memory_equal(shelf_get(&shelf, bytes("a"), 1, &len), "no", 2);
	assert_int_equal(len, 2);
	assert_int_equal(shelf.live_bytes, 3);
	assert_int_equal(shelf_put(&shelf, bytes("a"), 1, bytes("three"), 5), SHELF_DONE);
	assert_int_equal(shelf.n_bytes, before + 5);
	assert_memory_equal(shelf_get(&shelf, bytes("a"), 1, &len), "three", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_by_its_key),
		cmocka_unit_test(a_value_that_fits_stays_in_its_place),
		cmocka_unit_test(what_is_too_large_or_too_much_is_an_answer),
		cmocka_unit_test(a_namespace_over_its_quota_can_be_emptied),
		cmocka_unit_test(what_is_no_snapshot_is_refused),
		cmocka_unit_test(many_changes_end_where_an_array_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
