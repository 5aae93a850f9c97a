/* No address outside the guest's memory is ever turned into one of ours. */
#include "wasi/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "wasi/abi.h"

static uint8_t bytes[256];
static const struct wasi_memory memory = { .base = bytes, .len = sizeof(bytes) };

static void what_is_not_wholly_inside_has_no_address(void **state)
{
	static const struct {
		uint32_t at;
		uint64_t len;
		bool inside;
	} rows[] = {
		{ 0, 256, true },          { 255, 1, true },    { 256, 0, true },         { 0, 257, false },
		{ 255, 2, false },         { 256, 1, false },   { UINT32_MAX, 1, false }, { UINT32_MAX, 2, false },
		{ 1, UINT64_MAX, false },  { 0, UINT32_MAX, false }, { UINT32_MAX, 0, false },
		{ 128, (uint64_t)UINT32_MAX * 8, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(memory_at(&memory, rows[i].at, rows[i].len) != NULL, rows[i].inside);
	assert_ptr_equal(memory_at(&memory, 7, 1), bytes + 7);
}

static void a_guest_without_memory_has_no_address(void **state)
{
	const struct wasi_memory none = { .base = NULL, .len = 0 };

	(void)state;
	assert_null(memory_at(&none, 0, 1));
	assert_false(memory_store32(&none, 0, 1));
}

static void row(uint32_t i, uint32_t at, uint32_t len)
{
	memory_put32(bytes + i * 8, at);
	memory_put32(bytes + i * 8 + 4, len);
}

static void a_vector_is_checked_buffer_by_buffer(void **state)
{
	struct iovec iovs[MEMORY_IOVECS];
	uint32_t why;

	(void)state;
	row(0, 100, 10);
	row(1, 250, 6);
	assert_int_equal(memory_iovecs(&memory, 0, 2, iovs, &why), 2);
	assert_ptr_equal(iovs[1].iov_base, bytes + 250);
	row(1, 250, 7);
	assert_int_equal(memory_iovecs(&memory, 0, 2, iovs, &why), -1);
	assert_int_equal(why, WASI_FAULT);
	row(1, UINT32_MAX, UINT32_MAX);
	assert_int_equal(memory_iovecs(&memory, 0, 2, iovs, &why), -1);
	/* n * 8 does not come round at 32 bits. */
	assert_int_equal(memory_iovecs(&memory, 0, 0x20000001, iovs, &why), -1);
	assert_int_equal(why, WASI_INVAL);
	assert_int_equal(memory_iovecs(&memory, 250, 1, iovs, &why), -1);
	assert_int_equal(why, WASI_FAULT);
}

static void one_buffer_named_often_is_cut_at_a_total(void **state)
{
	const size_t len = (size_t)8 << 20;
	uint8_t *const large = calloc(1, len);
	const struct wasi_memory big = { .base = large, .len = len };
	struct iovec iovs[MEMORY_IOVECS];
	uint64_t total = 0;
	uint32_t why;

	(void)state;
	for (uint32_t i = 0; i < MEMORY_IOVECS; i++) {
		memory_put32(large + i * 8, 0);
		memory_put32(large + i * 8 + 4, (uint32_t)len);
	}
	assert_int_equal(memory_iovecs(&big, 0, MEMORY_IOVECS, iovs, &why), MEMORY_IOVECS);
	for (size_t i = 0; i < MEMORY_IOVECS; i++)
		total += iovs[i].iov_len;
	assert_true(total == MEMORY_IO);
	free(large);
}

static void a_path_ends_where_the_guest_says_and_has_no_nul(void **state)
{
	char path[MEMORY_PATH];

	(void)state;
	memcpy(bytes, "a/b\0c", 5);
	assert_int_equal(memory_path(&memory, 0, 3, path), WASI_SUCCESS);
	assert_string_equal(path, "a/b");
	assert_int_equal(memory_path(&memory, 0, 5, path), WASI_INVAL);
	assert_int_equal(memory_path(&memory, 0, 4, path), WASI_INVAL);
	assert_int_equal(memory_path(&memory, 0, 257, path), WASI_FAULT);
	assert_int_equal(memory_path(&memory, 0, UINT32_MAX, path), WASI_FAULT);
	assert_int_equal(memory_path(&memory, 0, 0, path), WASI_SUCCESS);
}

static void a_path_longer_than_the_kernels_is_refused(void **state)
{
	static uint8_t large[2 * MEMORY_PATH];
	const struct wasi_memory big = { .base = large, .len = sizeof(large) };
	char path[MEMORY_PATH];

	(void)state;
	memset(large, 'a', sizeof(large));
	assert_int_equal(memory_path(&big, 0, MEMORY_PATH, path), WASI_NAMETOOLONG);
	assert_int_equal(memory_path(&big, 0, MEMORY_PATH - 1, path), WASI_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_wholly_inside_has_no_address),
		cmocka_unit_test(a_guest_without_memory_has_no_address),
		cmocka_unit_test(a_vector_is_checked_buffer_by_buffer),
		cmocka_unit_test(one_buffer_named_often_is_cut_at_a_total),
		cmocka_unit_test(a_path_ends_where_the_guest_says_and_has_no_nul),
		cmocka_unit_test(a_path_longer_than_the_kernels_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
