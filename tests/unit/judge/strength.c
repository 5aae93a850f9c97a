/* judge/strength: the table of boundaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/strength.h"
#include "model/threat.h"

static void every_cell_has_a_reason(void **state)
{
	(void)state;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		for (enum property p = 0; p < PROPERTIES; p++) {
			assert_non_null(strength_because(i, p));
			assert_true(strlen(strength_because(i, p)) > 20);
			assert_null(strpbrk(strength_because(i, p), "|\n"));
			assert_non_null(holds_name(strength_holds(i, p)));
		}
}

/* What SECURITY.md says of the boundaries that there are: the kernel is shared, and no boundary on one host
 * closes channels of time. */
static void nothing_is_claimed_that_must_not_be(void **state)
{
	(void)state;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		assert_int_equal(strength_holds(i, PROPERTY_CACHE), HOLDS_NO);
		assert_true(strength_holds(i, PROPERTY_CORE) < HOLDS_YES);
	}
	assert_int_equal(strength_holds(BOUNDARY_PROCESS, PROPERTY_KERNEL), HOLDS_NO);
	assert_int_equal(strength_holds(BOUNDARY_CONTAINER, PROPERTY_KERNEL), HOLDS_NO);
	assert_int_equal(strength_holds(BOUNDARY_PROCESS, PROPERTY_NAMES), HOLDS_NO);
}

static void a_name_finds_its_boundary_and_each_has_a_cost(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		assert_int_equal(strength_find(strength_of(i)->name), i);
		seen |= 1u << strength_by_cost(i);
	}
	assert_int_equal(seen, (1u << STRENGTH_BOUNDARIES) - 1);
	assert_int_equal(strength_find("auto"), -1);
	assert_null(strength_of(-1));
	assert_null(strength_of(BOUNDARY_AUTO));
}

static void engines_run_their_own_form_alone(void **state)
{
	(void)state;
	assert_true(strength_of(BOUNDARY_WASM)->forms == WORD_BIT(WORD_FORM_WASM));
	assert_true(strength_of(BOUNDARY_JS)->forms == WORD_BIT(WORD_FORM_JS));
	for (int i = BOUNDARY_PROCESS; i <= BOUNDARY_MICROVM; i++)
		assert_true(strength_of(i)->forms == threat_row(THREAT_FORM)->words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_has_a_reason),
		cmocka_unit_test(nothing_is_claimed_that_must_not_be),
		cmocka_unit_test(a_name_finds_its_boundary_and_each_has_a_cost),
		cmocka_unit_test(engines_run_their_own_form_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
