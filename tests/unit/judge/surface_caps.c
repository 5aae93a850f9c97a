/* judge/surface_caps: which capabilities are a way out, and which are named first. */
#include "judge/surface.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "surface_sample.h"

#define BIT(cap) (UINT64_C(1) << (cap))
#define NAME "capabilities over the host"

static void the_severity_hangs_on_which_they_are(void **state)
{
	static const struct {
		uint64_t caps, holds;
		enum severity severity;
	} rows[] = {
		{ BIT(CAP_SYS_ADMIN), LAYER_BIT(LAYER_MOUNTNS), SEVERITY_CRITICAL },
		{ BIT(39) /* BPF */, LAYER_BIT(LAYER_MOUNTNS), SEVERITY_CRITICAL },
		{ BIT(CAP_CHOWN), 0, SEVERITY_CRITICAL },
		{ BIT(CAP_CHOWN), LAYER_BIT(LAYER_MOUNTNS), SEVERITY_HIGH },
		{ BIT(CAP_NET_RAW), 0, SEVERITY_HIGH },
		{ BIT(CAP_NET_BIND_SERVICE), 0, SEVERITY_LOW },
		{ BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_RAW), 0, SEVERITY_HIGH },
		{ 0 /* not known */, 0, SEVERITY_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(sample) sample = SAMPLE_NONE;

		sample.place.caps = rows[i].caps;
		sample.place.holds = rows[i].holds;
		assert_int_equal(sample_find(&sample, NAME)->severity, rows[i].severity);
		assert_int_equal(sample_find(&sample, NAME)->state, SURFACE_OPEN);
	}
}

static void the_worst_are_named_and_the_others_counted(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.caps = BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_SYS_ADMIN) |
			    BIT(CAP_CHOWN);
	assert_string_equal(sample_find(&sample, NAME)->detail,
			    "CAP_SYS_ADMIN, CAP_CHOWN, CAP_NET_ADMIN, CAP_NET_RAW and 1 more");
	assert_string_equal(sample_find(&sample, "capabilities inside")->detail, sample_find(&sample, NAME)->detail);
}

static void a_number_without_a_name_is_no_crash(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.caps = UINT64_MAX;
	assert_non_null(strstr(sample_find(&sample, NAME)->detail, " and 60 more"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_severity_hangs_on_which_they_are),
		cmocka_unit_test(the_worst_are_named_and_the_others_counted),
		cmocka_unit_test(a_number_without_a_name_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
