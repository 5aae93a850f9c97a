/* judge/surface: what crosses, what is closed, what is not known, and in which order. */
#include "judge/surface.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "surface_sample.h"

#define L(layer) LAYER_BIT(LAYER_##layer)
static void without_layers_everything_is_open(void **state)
{
	static const char *const names[] = {
		"user 0 of the host", "capabilities over the host", "memory of other processes",
		"signals to other processes", "interfaces of the host", "abstract sockets of the host",
		"kernel keyrings", "System V memory, semaphores, queues", "cycle counter", "32-bit system calls",
	};
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample_make(&sample);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(sample_find(&sample, names[i])->state, SURFACE_OPEN);
	assert_int_equal(surface_worst(&sample.surface)->severity, SEVERITY_CRITICAL);
	assert_true(sample.surface.calls > 350);
}

static void one_layer_closes_what_it_guards_and_nothing_else(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = L(PIDNS);
	sample_make(&sample);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_CLOSED);
	assert_int_equal(sample_find(&sample, "signals to other processes")->guards, L(PIDNS));
	assert_int_equal(sample_find(&sample, "interfaces of the host")->state, SURFACE_OPEN);
}

static void what_needs_two_layers_is_open_with_one(void **state)
{
	OWN(sample) one = SAMPLE_NONE, both = SAMPLE_NONE;

	(void)state;
	one.place.holds = L(NETNS);
	both.place.holds = L(NETNS) | L(MOUNTNS);
	sample_make(&one);
	sample_make(&both);
	assert_int_equal(sample_find(&one, "descriptors and memory by message")->state, SURFACE_OPEN);
	assert_int_equal(sample_find(&both, "descriptors and memory by message")->state, SURFACE_CLOSED);
}

static void a_filter_closes_what_no_layer_does(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = L(SECCOMP);
	sample_allow_only(&sample, SYS_read, SECCOMP_RET_ERRNO | EPERM);
	sample_make(&sample);
	assert_int_equal(sample.surface.calls, 1);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_CLOSED);
	assert_int_equal(sample_find(&sample, "signals to other processes")->guards, L(SECCOMP));
	assert_int_equal(sample_find(&sample, "32-bit system calls")->state, SURFACE_CLOSED);
	assert_int_equal(sample_find(&sample, "read")->kind, SURFACE_CALL);
	/* No call is behind these: no filter closes them. */
	assert_int_equal(sample_find(&sample, "cycle counter")->state, SURFACE_OPEN);
}

static void one_call_of_several_is_enough_to_open(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = L(SECCOMP);
	sample_allow_only(&sample, SYS_tgkill, SECCOMP_RET_ERRNO | EPERM);
	sample_make(&sample);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_OPEN);
	assert_int_equal(sample_find(&sample, "signals to other processes")->guards, 0);
}

static void unknown_is_not_closed(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.unknown = L(NETNS) | PLACE_NOT_ROOT;
	subject_add_missing(&sample.subject, "a filter that cannot be read");
	sample_make(&sample);
	assert_false(sample.surface.calls_known);
	assert_int_equal(sample_find(&sample, "interfaces of the host")->state, SURFACE_UNKNOWN);
	assert_int_equal(sample_find(&sample, "user 0 of the host")->state, SURFACE_UNKNOWN);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_UNKNOWN);
	assert_string_equal(sample.surface.missing[0], "a filter that cannot be read");
}

static void a_bad_filter_is_missing_and_no_crash(void **state)
{
	const struct sock_filter bad[] = { { 0xffff, 0, 0, 0 } };
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	subject_add_filter(&sample.subject, "bad", bad, 1);
	sample_make(&sample);
	assert_false(sample.surface.calls_known);
	assert_true(sample.surface.n_missing > 0);
	assert_int_equal(surface_code(&sample.surface, false, SEVERITY_INFO), 3);
}

static void a_store_that_is_too_small_is_incomplete(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.name = "sample";
	sample_allow_only(&sample, SYS_read, SECCOMP_RET_ERRNO | EPERM);
	sample.store = regions_new(40);
	surface_make(&sample.surface, &sample.place, &sample.subject, sample.store);
	assert_false(sample.surface.calls_known);
	assert_int_equal(surface_code(&sample.surface, true, SEVERITY_CRITICAL), 1);
}

/* With any budget: what is closed then is closed with a large one, too. */
static void a_question_without_room_closes_nothing(void **state)
{
	OWN(sample) large = SAMPLE_NONE;
	size_t n_full = 0;

	(void)state;
	sample_allow_only(&large, SYS_tgkill, SECCOMP_RET_ERRNO | EPERM);
	sample_make(&large);
	for (size_t budget = 16; budget < 6000; budget += budget / 8 + 1) {
		OWN(sample) small = SAMPLE_NONE;

		small.place.name = "sample";
		sample_allow_only(&small, SYS_tgkill, SECCOMP_RET_ERRNO | EPERM);
		small.store = regions_new(budget);
		surface_make(&small.surface, &small.place, &small.subject, small.store);
		n_full += !small.surface.calls_known;
		assert_true(small.surface.calls_known || small.surface.n_missing > 0);
		for (size_t i = 0; i < small.surface.n_items; i++)
			if (small.surface.items[i].state == SURFACE_CLOSED)
				assert_int_equal(sample_find(&large, small.surface.items[i].name)->state, SURFACE_CLOSED);
	}
	assert_true(n_full > 3);
}

static void the_order_is_by_danger(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = L(PIDNS) | PLACE_NOT_ROOT | L(CAPS);
	sample.place.unknown = L(NETNS);
	sample_make(&sample);
	for (size_t i = 1; i < sample.surface.n_items; i++) {
		const struct surface_item *const a = &sample.surface.items[i - 1], *const b = a + 1;

		if (a->state <= SURFACE_UNKNOWN && b->state <= SURFACE_UNKNOWN)
			assert_true(a->severity >= b->severity);
		assert_true(a->state == b->state || (a->state <= SURFACE_UNKNOWN && b->state <= SURFACE_UNKNOWN) ||
			    a->state < b->state);
	}
}

static void the_threshold_decides_the_code(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = PLACE_NOT_ROOT | PLACE_NO_CAPS | L(PIDNS) | L(SECCOMP);
	sample_allow_only(&sample, SYS_read, SECCOMP_RET_ERRNO | EPERM);
	sample_make(&sample);
	assert_int_equal(surface_code(&sample.surface, false, SEVERITY_INFO), 0);
	assert_int_equal(surface_code(&sample.surface, true, SEVERITY_CRITICAL), 0);
	assert_int_equal(surface_code(&sample.surface, true, SEVERITY_HIGH), 1);
}

static void hostile_code_makes_a_shared_kernel_critical(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.is_hostile = true;
	sample_make(&sample);
	assert_int_equal(sample_find(&sample, "the host's kernel")->severity, SEVERITY_CRITICAL);
}

static void selftest_tells_what_is_left_without_a_layer(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	const struct surface_item *item;

	(void)state;
	sample.place.holds = L(PIDNS) | L(IDENTITY) | L(TIMENS);
	sample_make(&sample);
	item = sample_find(&sample, "signals to other processes");
	assert_string_equal(surface_without(&sample.surface, item, LAYER_PIDNS), "identity still refuses it");
	item = sample_find(&sample, "uptime clocks");
	assert_string_equal(surface_without(&sample.surface, item, LAYER_TIMENS),
			    "knowledge of the host only; nothing can be done with it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_layers_everything_is_open),
		cmocka_unit_test(one_layer_closes_what_it_guards_and_nothing_else),
		cmocka_unit_test(what_needs_two_layers_is_open_with_one),
		cmocka_unit_test(a_filter_closes_what_no_layer_does),
		cmocka_unit_test(one_call_of_several_is_enough_to_open),
		cmocka_unit_test(unknown_is_not_closed),
		cmocka_unit_test(a_bad_filter_is_missing_and_no_crash),
		cmocka_unit_test(a_store_that_is_too_small_is_incomplete),
		cmocka_unit_test(a_question_without_room_closes_nothing),
		cmocka_unit_test(the_order_is_by_danger),
		cmocka_unit_test(the_threshold_decides_the_code),
		cmocka_unit_test(hostile_code_makes_a_shared_kernel_critical),
		cmocka_unit_test(selftest_tells_what_is_left_without_a_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
