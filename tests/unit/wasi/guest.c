/* A guest hears its arguments, a coarse time, randomness, and ends when it wants to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "guest.h"

static const char *const words[] = { "mod.wasm", "two words", "", NULL };
static const char *const variables[] = { "A=b", NULL };

static int begin(void **state)
{
	static struct guest guest;

	guest_open(&guest, &(struct wasi_setup){ .argv = words, .envp = variables, .clock_grain_ns = 1000000 });
	*state = &guest;
	return 0;
}

static void arguments_and_variables_arrive(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_args_sizes_get(&g->w, AT_OUT, AT_OUT + 4), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 3);
	assert_int_equal(memory_get32(g->memory + AT_OUT + 4), 9 + 10 + 1);
	assert_int_equal(wasi_args_get(&g->w, AT_IOVS, AT_BYTES), WASI_SUCCESS);
	assert_memory_equal(g->memory + AT_BYTES, "mod.wasm\0two words\0\0", 20);
	assert_int_equal(memory_get32(g->memory + AT_IOVS + 4), AT_BYTES + 9);
	assert_int_equal(wasi_environ_sizes_get(&g->w, AT_OUT, AT_OUT + 4), WASI_SUCCESS);
	assert_int_equal(wasi_environ_get(&g->w, AT_IOVS, AT_BYTES), WASI_SUCCESS);
	assert_memory_equal(g->memory + AT_BYTES, "A=b", 4);
}

static void there_is_no_room_at_the_end_of_memory(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_args_get(&g->w, GUEST_MEMORY - 8, AT_BYTES), WASI_FAULT);
	assert_int_equal(wasi_args_get(&g->w, UINT32_MAX - 3, AT_BYTES), WASI_FAULT);
	assert_int_equal(wasi_args_get(&g->w, AT_IOVS, GUEST_MEMORY - 19), WASI_FAULT);
	assert_int_equal(wasi_args_sizes_get(&g->w, AT_OUT, GUEST_MEMORY - 3), WASI_FAULT);
}

/* As much memory as 32 bits address: none of it is touched but its ends. */
static void texts_do_not_go_on_at_the_beginning_of_a_full_memory(void **state)
{
	const uint64_t all = UINT64_C(1) << 32;
	struct guest *const g = *state;
	uint8_t *const base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(base, MAP_FAILED);
	g->w.memory = (struct wasi_memory){ .base = base, .len = all };
	assert_int_equal(wasi_args_get(&g->w, AT_IOVS, UINT32_MAX - 8), WASI_FAULT); /* the first fits, to the last byte */
	assert_memory_equal(base, "\0\0\0\0", 4);
	assert_int_equal(wasi_args_get(&g->w, AT_IOVS, UINT32_MAX - 19), WASI_SUCCESS); /* and here all of them */
	assert_int_equal(munmap(base, all), 0);
}

static void clocks_are_coarse_and_begin_with_the_guest(void **state)
{
	struct guest *const g = *state;

	for (uint32_t id = 0; id < CLOCK_IDS; id++) {
		assert_int_equal(wasi_clock_time_get(&g->w, id, 1, AT_OUT), WASI_SUCCESS);
		assert_int_equal(memory_get64(g->memory + AT_OUT) % 1000000, 0);
		assert_int_equal(wasi_clock_res_get(&g->w, id, AT_OUT), WASI_SUCCESS);
		assert_int_equal(memory_get64(g->memory + AT_OUT), 1000000);
	}
	/* How long the host is up is not the guest's business. */
	assert_int_equal(wasi_clock_time_get(&g->w, CLOCK_ID_MONOTONIC, 0, AT_OUT), WASI_SUCCESS);
	assert_true(memory_get64(g->memory + AT_OUT) < UINT64_C(60000000000));
	assert_int_equal(wasi_clock_time_get(&g->w, CLOCK_IDS, 0, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_clock_res_get(&g->w, UINT32_MAX, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_clock_time_get(&g->w, 0, 0, GUEST_MEMORY - 7), WASI_FAULT);
}

static void randomness_fills_the_buffer_and_no_more(void **state)
{
	struct guest *const g = *state;
	const uint8_t zero[64] = { 0 };

	assert_int_equal(wasi_random_get(&g->w, 1000, 40000), WASI_SUCCESS);
	assert_memory_not_equal(g->memory + 1000, zero, sizeof(zero));
	assert_memory_not_equal(g->memory + 41000 - 64, zero, sizeof(zero));
	assert_memory_equal(g->memory + 41000, zero, sizeof(zero));
	assert_int_equal(wasi_random_get(&g->w, 0, 0), WASI_SUCCESS);
	assert_int_equal(wasi_random_get(&g->w, 1, GUEST_MEMORY), WASI_FAULT);
	assert_int_equal(wasi_random_get(&g->w, 16, UINT32_MAX), WASI_FAULT);
}

static void it_ends_with_its_code(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_sched_yield(&g->w), WASI_SUCCESS);
	assert_int_equal(wasi_proc_raise(&g->w, 9), WASI_NOTSUP);
	assert_false(g->w.ended);
	wasi_proc_exit(&g->w, 33);
	assert_true(g->w.ended && g->w.exit_code == 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(arguments_and_variables_arrive, begin, guest_end),
		cmocka_unit_test_setup_teardown(there_is_no_room_at_the_end_of_memory, begin, guest_end),
		cmocka_unit_test_setup_teardown(texts_do_not_go_on_at_the_beginning_of_a_full_memory, begin, guest_end),
		cmocka_unit_test_setup_teardown(clocks_are_coarse_and_begin_with_the_guest, begin, guest_end),
		cmocka_unit_test_setup_teardown(randomness_fills_the_buffer_and_no_more, begin, guest_end),
		cmocka_unit_test_setup_teardown(it_ends_with_its_code, begin, guest_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
