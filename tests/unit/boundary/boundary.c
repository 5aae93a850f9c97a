/* boundary/boundary: the list of boundaries and the notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hosts.h"

static void a_boundary_is_found_by_its_name_and_no_other(void **state)
{
	size_t n = 0;

	(void)state;
	for (; boundary_at(n); n++) {
		assert_ptr_equal(boundary_find(boundary_at(n)->name), boundary_at(n));
		assert_true(strlen(boundary_at(n)->summary) > 10);
		assert_non_null(boundary_at(n)->probe);
		assert_non_null(boundary_at(n)->plan);
	}
	assert_true(n >= 2);
	assert_non_null(boundary_find("process"));
	assert_non_null(boundary_find("container"));
	assert_null(boundary_find("Container"));
	assert_null(boundary_find(""));
	assert_null(boundary_find("contain"));
}

static void each_note_has_a_sentence(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint32_t note = 1; note; note <<= 1) {
		const char *text = note_text((enum note)note);

		n += text != NULL;
		assert_true(!text || (strlen(text) > 10 && !strchr(text, '\n')));
	}
	assert_true(note_text(NOTE_HOST_FILES) != NULL);
	assert_true(n >= 8);
	assert_null(note_text((enum note)0));
}

static void an_empty_rung_can_be_released_twice(void **state)
{
	struct rung rung = { .first_fd = 3 };

	(void)state;
	rung_done(&rung);
	rung_done(&rung);
	assert_null(rung.open);
}

/* A boundary never says what it is not: the plan's mark is the policy's choice. */
static void a_plan_is_marked_with_its_boundary(void **state)
{
	static const struct {
		const char *name;
		uint32_t mark;
	} rows[] = { { "process", BOUNDARY_PROCESS }, { "container", BOUNDARY_CONTAINER },
		     { "gvisor", BOUNDARY_GVISOR },
		     { "wasm", BOUNDARY_WASM }, { "js", BOUNDARY_JS } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.passes_none = true;
		sketch_policy(&sketch, "default");
		assert_int_equal(sketch_plan(&sketch, rows[i].name, &e), 0);
		assert_int_equal(sketch.rung.plan->boundary, rows[i].mark);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_boundary_is_found_by_its_name_and_no_other),
		cmocka_unit_test(each_note_has_a_sentence),
		cmocka_unit_test(an_empty_rung_can_be_released_twice),
		cmocka_unit_test(a_plan_is_marked_with_its_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
