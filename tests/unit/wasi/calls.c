/* All 46 calls are there, once, and no argument is too strange for any of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "guest.h"

static void there_are_46_calls_each_under_its_name(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (; wasi_call_at(n); n++)
		assert_ptr_equal(wasi_call_find(wasi_call_at(n)->name), wasi_call_at(n));
	assert_int_equal(n, 46);
	assert_null(wasi_call_find("fd_dup"));
	assert_null(wasi_call_find(""));
}

static void arguments_arrive_in_order(void **state)
{
	struct guest *const g = *state;
	const uint64_t close[] = { RO | UINT64_C(7) << 32 }, renumber[] = { RW, RO };

	assert_int_equal(wasi_call_find("fd_renumber")->call(&g->w, renumber), WASI_SUCCESS);
	assert_int_equal(wasi_call_find("fd_close")->call(&g->w, close), WASI_SUCCESS);
	assert_int_equal(wasi_call_find("fd_close")->call(&g->w, close), WASI_BADF);
}

/* Addresses at every edge of memory, as every argument of every call. */
static void no_argument_reaches_beyond_memory(void **state)
{
	static const uint64_t values[] = { 0, 1, RW, RO, GUEST_MEMORY - 1, GUEST_MEMORY, UINT32_MAX, UINT64_MAX };
	struct guest *const g = *state;
	static uint8_t after[256], before[256];

	/* The guest's memory ends in the middle of what could be written. */
	g->w.memory.len = 32768;
	memset(g->memory + 32768, 0x5a, sizeof(before));
	memcpy(before, g->memory + 32768, sizeof(before));
	for (uint32_t i = 0; wasi_call_at(i); i++) {
		const struct wasi_call *const call = wasi_call_at(i);

		/* proc_exit says nothing here; poll_oneoff may wait for a clock. */
		for (uint32_t k = 0; k < 4096 && strcmp(call->name, "poll_oneoff"); k++) {
			uint64_t words[9];
			uint32_t from = k * 2654435761u;

			for (size_t j = 0; j < ARRAY_SIZE(words); j++, from = from * 1664525 + 1013904223)
				words[j] = values[from >> 16 & 7];
			words[0] = k % 3 ? words[0] : 32768 - 8;
			assert_true(call->call(&g->w, words) < WASI_ERRNOS);
		}
	}
	memcpy(after, g->memory + 32768, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_46_calls_each_under_its_name),
		GUEST_TEST(arguments_arrive_in_order),
		GUEST_TEST(no_argument_reaches_beyond_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
