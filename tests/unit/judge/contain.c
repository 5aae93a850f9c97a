/* judge/contain: what one word says of a threat, and which boundaries contain it. */
#include "judge/contain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static void a_word_decides_what_contains_it(void **state)
{
	static const struct {
		int word;
		enum threat_word form;
		bool shared;
		int boundary;
		bool is_contained;
	} rows[] = {
		{ THREAT_OWN, WORD_FORM_NATIVE, false, BOUNDARY_PROCESS, true },
		{ THREAT_KNOWN, WORD_FORM_NATIVE, false, BOUNDARY_PROCESS, false },
		{ THREAT_KNOWN, WORD_FORM_NATIVE, true, BOUNDARY_CONTAINER, true },
		{ THREAT_HOSTILE, WORD_FORM_NATIVE, true, BOUNDARY_CONTAINER, false },
		{ THREAT_HOSTILE, WORD_FORM_NATIVE, false, BOUNDARY_CONTAINER, false },
		{ THREAT_HOSTILE, WORD_FORM_NATIVE, true, BOUNDARY_GVISOR, true },
		{ THREAT_HOSTILE, WORD_FORM_WASM, true, BOUNDARY_WASM, true },
		/* Its engine is broken too often to stand between tenants who attack each other. */
		{ THREAT_HOSTILE, WORD_FORM_JS, true, BOUNDARY_JS, false },
		{ THREAT_HOSTILE, WORD_FORM_JS, false, BOUNDARY_JS, true },
		{ THREAT_KNOWN, WORD_FORM_JS, true, BOUNDARY_JS, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct threat threat;

		contain_model(rows[i].word, rows[i].form, rows[i].shared, &threat);
		assert_int_equal(!contain_unmet(&threat, rows[i].boundary), rows[i].is_contained);
	}
}

/* Whatever contains strangers contains people one knows, and those contain one's own mistakes. */
static void less_threat_is_never_contained_by_less(void **state)
{
	(void)state;
	for (int boundary = 0; boundary < STRENGTH_BOUNDARIES; boundary++)
		for (int shared = 0; shared < 2; shared++) {
			struct threat own, known, hostile;

			contain_model(THREAT_OWN, WORD_FORM_NATIVE, shared, &own);
			contain_model(THREAT_KNOWN, WORD_FORM_NATIVE, shared, &known);
			contain_model(THREAT_HOSTILE, WORD_FORM_NATIVE, shared, &hostile);
			assert_true(contain_unmet(&hostile, boundary) || !contain_unmet(&known, boundary));
			assert_true(contain_unmet(&known, boundary) || !contain_unmet(&own, boundary));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_decides_what_contains_it),
		cmocka_unit_test(less_threat_is_never_contained_by_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
