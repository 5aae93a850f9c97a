/* judge/surface_danger: a call is as dangerous as lint says, and for lint's reason. */
#include "judge/surface.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "judge/lint.h"
#include "surface_sample.h"

/* Findings about calls that are refused, and should be so in another way, are none of the surface's. */
static const struct surface_item *item_of(const struct sample *sample, const char *name)
{
	for (size_t i = 0; i < sample->surface.n_items; i++)
		if (strcmp(sample->surface.items[i].name, name) == 0)
			return &sample->surface.items[i];
	return NULL;
}

static void every_call_has_the_severity_of_its_worst_finding(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(lint) lint = LINT_NONE;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)state;
	sample_allow_only(&sample, SYS_ptrace, SECCOMP_RET_ERRNO | EPERM);
	sample.subject.context = (struct subject_context){ .own_pid = KNOWN_NO, .caps_known = true };
	sample_make(&sample);
	assert_int_equal(lint_run(&sample.subject, 0, &lint, &e), 0);
	for (size_t i = 0; i < lint.n; i++)
		for (size_t k = 0; k < lint.findings[i].n_names; k++) {
			const struct surface_item *const item = item_of(&sample, lint.findings[i].names[k]);

			assert_true(!item || item->severity >= lint.findings[i].severity);
			n += item != NULL;
		}
	assert_true(n > 0);
	assert_int_equal(sample_find(&sample, "ptrace")->severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(sample_find(&sample, "ptrace")->reason, "(proc.ptrace)"));
	assert_true(*sample_find(&sample, "ptrace")->close);
}

static void surroundings_ease_it(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample_allow_only(&sample, SYS_ptrace, SECCOMP_RET_ERRNO | EPERM);
	sample.subject.context = (struct subject_context){
		.own_user = KNOWN_YES, .own_pid = KNOWN_YES, .own_mount = KNOWN_YES, .caps_known = true, .kernel = 0x060800,
	};
	assert_true(sample_find(&sample, "ptrace")->severity < SEVERITY_CRITICAL);
}

static void calls_are_dangerous_without_a_filter_too(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	assert_int_equal(sample_find(&sample, "ptrace")->severity, SEVERITY_CRITICAL);
	assert_int_equal(sample_find(&sample, "getpid")->severity, SEVERITY_INFO);
	for (size_t i = 0; i < sample.surface.n_items; i++)
		assert_string_not_equal(sample.surface.items[i].name, "a fault of the filter");
}

static void a_call_without_findings_is_quiet(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample_allow_only(&sample, SYS_getpid, SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(sample_find(&sample, "getpid")->severity, SEVERITY_INFO);
	assert_string_equal(sample_find(&sample, "getpid")->reason, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_has_the_severity_of_its_worst_finding),
		cmocka_unit_test(surroundings_ease_it),
		cmocka_unit_test(calls_are_dangerous_without_a_filter_too),
		cmocka_unit_test(a_call_without_findings_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
