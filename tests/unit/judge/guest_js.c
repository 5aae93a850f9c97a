/* judge/guest_js: the script that attempts what its engine must refuse. That an engine runs it, the e2e tests show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "judge/guest.h"

static const struct guest_scene none = { -1, -1 };

static void make(const char *id, struct str *out)
{
	OWN_MEM bool *selected = mem_alloc(attempt_count() * sizeof(*selected));

	for (size_t i = 0; i < attempt_count(); i++)
		selected[i] = !id || strcmp(attempt_at(i)->id, id) == 0;
	guest_kind_find("js")->make(selected, &none, out);
}

static void every_row_of_scripts_is_in_it_once_and_counted(void **state)
{
	OWN(str) script = STR_NONE;
	OWN(str) end = STR_NONE;
	size_t n = 0;

	(void)state;
	make(NULL, &script);
	for (size_t i = 0; i < attempt_count(); i++) {
		OWN(str) line = STR_NONE;
		const char *at;

		if (attempt_at(i)->group != GROUP_JS)
			continue;
		n++;
		str_addf(&line, "attempt('%s', () => ", attempt_at(i)->id);
		at = strstr(str_text(&script), str_text(&line));
		assert_non_null(at);
		assert_null(strstr(at + 1, str_text(&line)));
	}
	str_addf(&end, "console.log('E %zu');\n", n);
	assert_true(n > 15);
	assert_non_null(strstr(str_text(&script), str_text(&end)));
	assert_null(strstr(str_text(&script), "wasm-dotdot"));
}

static void one_row_is_one_attempt(void **state)
{
	OWN(str) script = STR_NONE;

	(void)state;
	make("js-eval", &script);
	assert_non_null(strstr(str_text(&script), "attempt('js-eval', () => eval('1 + 1') === 2);\nconsole.log('E 1');\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_scripts_is_in_it_once_and_counted),
		cmocka_unit_test(one_row_is_one_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
