/* plugin/guest: the functions of a plug-in without an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plugin/guest.h"

static uint8_t bytes[65536];
static const struct engine_memory memory = { bytes, sizeof(bytes) };

static const struct wire_hello terms = {
	.calls = 8, .input = 64, .output = 64, .keys = 4, .bytes = 256, .value = 32, .log = 64, .n_functions = 1,
};

static int set_up(void **state)
{
	struct guest *const guest = mem_alloc(sizeof(*guest));

	guest_init(guest, &terms, NULL);
	guest->embedder[0] = "go";
	guest_begin(guest);
	memcpy(bytes + 100, "key", 3);
	memcpy(bytes + 200, "a value", 7);
	*state = guest;
	return 0;
}

static int tear_down(void **state)
{
	struct guest *const guest = *state;

	shelf_done(&guest->shelf);
	mem_free_at(&guest->journal);
	mem_free_at(state);
	return 0;
}

static bool call(struct guest *guest, const char *name, const uint64_t *words, uint64_t *result)
{
	const struct engine_host host = guest_host(guest);
	struct engine_import import;

	if (!host.find(host.at, "ward", name, &import))
		fail_msg("there is no %s", name);
	return import.call(host.at, import.what, words, memory, result);
}

static void what_is_put_can_be_got(void **state)
{
	uint64_t result = 9;

	assert_true(call(*state, "kv_get", (uint64_t[]){ 100, 3, 300, 32 }, &result));
	assert_int_equal((int32_t)result, -1);
	assert_true(call(*state, "kv_put", (uint64_t[]){ 100, 3, 200, 7 }, &result));
	assert_int_equal(result, 0);
	memset(bytes + 300, 0, 32);
	assert_true(call(*state, "kv_get", (uint64_t[]){ 100, 3, 300, 6 }, &result));
	assert_int_equal(result, 7);
	assert_int_equal(bytes[300], 0);
	assert_true(call(*state, "kv_get", (uint64_t[]){ 100, 3, 300, 7 }, &result));
	assert_memory_equal(bytes + 300, "a value", 7);
	assert_true(call(*state, "kv_put", (uint64_t[]){ 100, 3, 200, 33 }, &result));
	assert_int_equal((int32_t)result, SHELF_TOO_LARGE);
	assert_true(call(*state, "kv_put", (uint64_t[]){ 100, 3, 0, 0 }, &result));
	assert_true(call(*state, "kv_get", (uint64_t[]){ 100, 3, 300, 7 }, &result));
	assert_int_equal((int32_t)result, -1);
}

static void an_address_outside_ends_the_call(void **state)
{
	static const struct {
		const char *name;
		uint64_t words[4];
	} rows[] = {
		{ "log", { 0, 65536, 1 } },
		{ "log", { 0, UINT32_MAX, UINT32_MAX } },
		{ "kv_get", { 65535, 2, 0, 0 } },
		{ "kv_get", { 0, 1, 65000, 1000 } },
		{ "kv_get", { 0, UINT32_MAX, 0, 0 } },
		{ "kv_put", { 0, 1, UINT32_MAX - 3, 8 } },
		{ "kv_put", { UINT32_MAX, 1, 0, 1 } },
	};
	struct guest *const guest = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t result;

		guest_begin(guest);
		assert_false(call(guest, rows[i].name, rows[i].words, &result));
		assert_int_equal(guest->end, WIRE_ARGUMENT);
		assert_non_null(strstr(guest->why.text, "are not in its memory of 65536 bytes"));
	}
}

static void the_last_byte_of_memory_is_inside(void **state)
{
	uint64_t result;

	assert_true(call(*state, "kv_put", (uint64_t[]){ 65533, 3, 65536, 0 }, &result));
	assert_true(call(*state, "log", (uint64_t[]){ 0, 65535, 1 }, &result));
}

static void what_was_not_granted_is_not_there(void **state)
{
	struct guest *const guest = *state;
	const struct engine_host host = guest_host(guest);
	struct engine_import import;

	assert_false(host.find(host.at, "ward", "clock_ms", &import));
	assert_false(host.find(host.at, "ward", "random_get", &import));
	assert_false(host.find(host.at, "ward", "", &import));
	assert_false(host.find(host.at, "wasi_snapshot_preview1", "log", &import));
	assert_false(host.find(host.at, "embedder", "log", &import));
	assert_true(host.find(host.at, "embedder", "go", &import));
	guest->terms.grants = 1;
	assert_true(host.find(host.at, "ward", "clock_ms", &import));
	assert_false(host.find(host.at, "ward", "random_get", &import));
}

static void a_log_has_an_end_and_says_how_much_is_missing(void **state)
{
	struct guest *const guest = *state;
	const uint64_t words[] = { 7, 100, 20 };
	struct journal_record record;
	size_t at = 0;
	uint64_t result;

	for (int i = 0; i < 5; i++)
		assert_true(call(guest, "log", words, &result));
	assert_int_equal(guest->lines_dropped, 3); /* 28 bytes each, of 64 */
	assert_int_equal(journal_next(guest->journal, guest->n_journal, &at, &record), 1);
	assert_int_equal(record.level, 3);
	assert_int_equal(record.value_len, 20);
}

static void calls_are_counted(void **state)
{
	struct guest *const guest = *state;
	uint64_t result;

	for (int i = 0; i < 8; i++)
		assert_true(call(guest, "log", (uint64_t[]){ 0, 0, 0 }, &result));
	assert_false(call(guest, "log", (uint64_t[]){ 0, 0, 0 }, &result));
	assert_int_equal(guest->end, WIRE_CALLS);
}

static void puts_are_written_only_for_a_call_that_succeeded(void **state)
{
	struct guest *const guest = *state;
	struct journal_record record;
	size_t at = 0;
	uint64_t result;

	assert_true(call(guest, "kv_put", (uint64_t[]){ 100, 3, 200, 7 }, &result));
	assert_true(guest_finish(guest, false));
	assert_int_equal(guest->n_journal, 0);
	assert_true(guest_finish(guest, true));
	assert_int_equal(journal_next(guest->journal, guest->n_journal, &at, &record), 1);
	assert_memory_equal(record.value, "a value", 7);
}

static void chance_is_bounded(void **state)
{
	struct guest *const guest = *state;
	uint64_t result;

	guest->terms.grants = 2;
	memset(bytes + 400, 0, 32);
	assert_true(call(guest, "random_get", (uint64_t[]){ 400, 32 }, &result));
	assert_int_equal(result, 32);
	assert_memory_not_equal(bytes + 400, (uint8_t[32]){ 0 }, 32);
	assert_true(call(guest, "random_get", (uint64_t[]){ 0, 257 }, &result));
	assert_int_equal((int32_t)result, SHELF_TOO_LARGE);
	assert_false(call(guest, "random_get", (uint64_t[]){ 65530, 32 }, &result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_can_be_got, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_address_outside_ends_the_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_byte_of_memory_is_inside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_granted_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_has_an_end_and_says_how_much_is_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(calls_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(puts_are_written_only_for_a_call_that_succeeded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chance_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
