/* judge/guest_wasm: the module that attempts what WASI must refuse. That an engine runs it, the e2e tests show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "judge/guest.h"

static const struct guest_scene both = { 3, 4 }, reads_only = { 3, -1 };

/* A module of one row, or of all. */
static void make(const char *id, const struct guest_scene *scene, struct str *out)
{
	OWN_MEM bool *selected = mem_alloc(attempt_count() * sizeof(*selected));

	for (size_t i = 0; i < attempt_count(); i++)
		selected[i] = !id || strcmp(attempt_at(i)->id, id) == 0;
	guest_kind_find("wasm")->make(selected, scene, out);
}

static bool holds(const struct str *module, const char *text)
{
	return memmem(str_text(module), module->len, text, strlen(text)) != NULL;
}

static uint32_t take_leb(const uint8_t **at)
{
	uint32_t n = 0;

	for (unsigned shift = 0;; shift += 7) {
		n |= (uint32_t)(**at & 127) << shift;
		if (!(*(*at)++ & 128))
			return n;
	}
}

static void its_sections_fill_it_in_order(void **state)
{
	OWN(str) module = STR_NONE;
	const uint8_t *at, *end;
	unsigned last = 0;

	(void)state;
	make(NULL, &both, &module);
	assert_memory_equal(str_text(&module), "\0asm\1\0\0\0", 8);
	at = (const uint8_t *)str_text(&module) + 8;
	end = at + module.len - 8;
	while (at < end) {
		const unsigned section = *at++;

		assert_true(section > last);
		last = section;
		at += take_leb(&at);
	}
	assert_ptr_equal(at, end);
	assert_int_equal(last, 11);
}

static void every_row_begins_and_can_end_in_three_ways(void **state)
{
	OWN(str) module = STR_NONE;
	size_t n = 0;

	(void)state;
	make(NULL, &both, &module);
	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);
		OWN(str) text = STR_NONE;

		if (row->group != GROUP_WASM || (row->how & HOW_ALONE))
			continue;
		n++;
		str_addf(&text, "S %s\nP %s allowed 0 -\nP %s skipped 0 the scene could not be set\nP %s refused 000 -\n", row->id,
			 row->id, row->id, row->id);
		for (char *line = strtok(text.at, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(holds(&module, line));
	}
	assert_true(n > 20);
}

static void without_a_scratch_directory_a_row_says_so(void **state)
{
	OWN(str) module = STR_NONE;

	(void)state;
	make("wasm-can-write", &reads_only, &module);
	assert_true(holds(&module, "P wasm-can-write skipped 0 no such directory is granted\n"));
	assert_false(holds(&module, "path_open"));
	assert_true(holds(&module, "E 1\n"));
}

static void a_strange_import_is_in_a_module_of_its_own(void **state)
{
	OWN(str) all = STR_NONE;
	OWN(str) module = STR_NONE;

	(void)state;
	make("wasm-import", &both, &module);
	assert_true(holds(&module, "\3env\6system"));
	assert_true(holds(&module, "P wasm-import allowed 0 it was run\n"));
	make("wasm-dotdot", &both, &all);
	assert_false(holds(&all, "\3env\6system"));
	assert_true(holds(&all, "../outside/secret"));
}

static void only_boundaries_with_an_engine_have_guests(void **state)
{
	(void)state;
	assert_null(guest_kind_find("container"));
	assert_null(guest_kind_find("process"));
	assert_int_equal(guest_kind_find("wasm")->claim, CLAIM_WASM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_sections_fill_it_in_order),
		cmocka_unit_test(every_row_begins_and_can_end_in_three_ways),
		cmocka_unit_test(without_a_scratch_directory_a_row_says_so),
		cmocka_unit_test(a_strange_import_is_in_a_module_of_its_own),
		cmocka_unit_test(only_boundaries_with_an_engine_have_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
