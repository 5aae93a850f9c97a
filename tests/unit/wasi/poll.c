/* Waiting ends when something is ready, when the clock rings, and never later than the setup allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <time.h>

#include "guest.h"

static int begin(void **state)
{
	static struct guest guest;

	guest_open(&guest, &(struct wasi_setup){ .poll_max_ns = 50000000 });
	*state = &guest;
	return 0;
}

static void subscribe(struct guest *g, uint32_t i, uint64_t userdata, uint8_t type)
{
	memset(g->memory + AT_BYTES + i * SIZE_SUBSCRIPTION, 0, SIZE_SUBSCRIPTION);
	memory_put64(g->memory + AT_BYTES + i * SIZE_SUBSCRIPTION, userdata);
	g->memory[AT_BYTES + i * SIZE_SUBSCRIPTION + 8] = type;
}

static void wish_clock(struct guest *g, uint32_t i, uint32_t clock, uint64_t ns, uint16_t flags)
{
	uint8_t *const to = g->memory + AT_BYTES + i * SIZE_SUBSCRIPTION + 16;

	subscribe(g, i, 100 + i, EVENT_CLOCK);
	memory_put32(to, clock);
	memory_put64(to + 8, ns);
	memory_put16(to + 24, flags);
}

static void wish_fd(struct guest *g, uint32_t i, uint8_t type, uint32_t fd)
{
	subscribe(g, i, 200 + i, type);
	memory_put32(g->memory + AT_BYTES + i * SIZE_SUBSCRIPTION + 16, fd);
}

#define EVENTS 30000u
static uint32_t wait_for(struct guest *g, uint32_t n)
{
	return wasi_poll_oneoff(&g->w, AT_BYTES, EVENTS, n, AT_OUT);
}

static uint64_t userdata(const struct guest *g, uint32_t i)
{
	return memory_get64(g->memory + EVENTS + i * SIZE_EVENT);
}

static uint32_t error_of(const struct guest *g, uint32_t i)
{
	return memory_get32(g->memory + EVENTS + i * SIZE_EVENT + 8) & 0xffff;
}

static void a_clock_rings(void **state)
{
	struct guest *const g = *state;
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	wish_clock(g, 0, CLOCK_ID_MONOTONIC, 20000000, 0);
	wish_clock(g, 1, CLOCK_ID_REALTIME, UINT64_C(3600000000000), 0);
	assert_int_equal(wait_for(g, 2), WASI_SUCCESS);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(guest_out(g), 1);
	assert_int_equal(userdata(g, 0), 100);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 20000000);
	wish_clock(g, 0, CLOCK_ID_REALTIME, 1, SUBCLOCK_ABSTIME); /* long past */
	assert_int_equal(wait_for(g, 1), WASI_SUCCESS);
}

static void a_wait_has_a_bound(void **state)
{
	struct guest *const g = *state;

	alarm(10);
	wish_clock(g, 0, CLOCK_ID_MONOTONIC, UINT64_MAX - 1, 0);
	assert_int_equal(wait_for(g, 1), WASI_TIMEDOUT);
	wish_clock(g, 0, CLOCK_ID_MONOTONIC, UINT64_MAX, SUBCLOCK_ABSTIME);
	assert_int_equal(wait_for(g, 1), WASI_TIMEDOUT);
	alarm(0);
}

static void what_is_ready_is_told_at_once(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(guest_path_open(g, RW, "file", 0, RIGHTS_ALL), WASI_SUCCESS);
	wish_fd(g, 0, EVENT_READ, guest_out(g));
	wish_fd(g, 1, EVENT_WRITE, 1);
	wish_fd(g, 2, EVENT_READ, 77);
	wish_fd(g, 3, EVENT_READ, RW);
	wish_clock(g, 4, CLOCK_ID_MONOTONIC, UINT64_C(3600000000000), 0);
	assert_int_equal(wait_for(g, 5), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 4);
	assert_int_equal(error_of(g, 0), WASI_SUCCESS);
	assert_int_equal(error_of(g, 1), WASI_SUCCESS);
	assert_int_equal(error_of(g, 2), WASI_BADF);
	assert_int_equal(error_of(g, 3), WASI_BADF);
}

static void a_pipe_tells_bytes_and_its_end(void **state)
{
	struct guest *const g = *state;
	struct err e = ERR_INIT;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	wish_fd(g, 0, EVENT_READ, (uint32_t)wasi_add_stream(&g->w, ends[0], RIGHTS_ALL, &e));
	assert_int_equal(wait_for(g, 1), WASI_TIMEDOUT);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(wait_for(g, 1), WASI_SUCCESS);
	assert_int_equal(memory_get64(g->memory + EVENTS + 16), 3);
	close(ends[1]);
	assert_int_equal(wait_for(g, 1), WASI_SUCCESS);
	assert_int_equal(g->memory[EVENTS + 24], EVENT_HANGUP);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wait_for(g, 0), WASI_INVAL);
	assert_int_equal(wait_for(g, 100000), WASI_INVAL);
	assert_int_equal(wait_for(g, UINT32_MAX), WASI_INVAL);
	assert_int_equal(wasi_poll_oneoff(&g->w, GUEST_MEMORY - 47, EVENTS, 1, AT_OUT), WASI_FAULT);
	assert_int_equal(wasi_poll_oneoff(&g->w, AT_BYTES, GUEST_MEMORY - 31, 1, AT_OUT), WASI_FAULT);
	subscribe(g, 0, 1, 3);
	assert_int_equal(wait_for(g, 1), WASI_INVAL);
	wish_clock(g, 0, CLOCK_ID_PROCESS, 1, 0);
	assert_int_equal(wait_for(g, 1), WASI_SUCCESS);
	assert_int_equal(error_of(g, 0), WASI_INVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, guest_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_clock_rings),
		TEST(a_wait_has_a_bound),
		TEST(what_is_ready_is_told_at_once),
		TEST(a_pipe_tells_bytes_and_its_end),
		TEST(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
