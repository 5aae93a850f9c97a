/* isolate/imports: what a module asks for is found, and its names come out normal. */
#include "isolate/imports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void note(void *at, const char *specifier, size_t len)
{
	str_add_bytes(at, specifier, len);
	str_add(at, " ");
}

static void what_is_imported_is_found(void **state)
{
	static const struct {
		const char *source, *found;
		bool is_module;
	} rows[] = {
		{ "import './a.mjs'", "./a.mjs ", true },
		{ "import x, {y as z} from \"./b.mjs\";\nexport * from './c.mjs'", "./b.mjs ./c.mjs ", true },
		{ "import\n/* there */ x from // here\n './d.mjs'", "./d.mjs ", true },
		{ "export default 1", "", true },
		{ "const a = 'import'; // import './no'\n/* import './no' */ `import './no'`", "", false },
		{ "x.from('y'); Array.from(\"z\")", "", false },
		{ "const important = 'x', from_ = 'y'", "", false },
		{ "let r = /'/; \nimport q from './e.mjs'", "./e.mjs ", true },
		{ "'\\'import' ; import './f.mjs", "", true },
		{ "`${1}\\`` ; import './g.mjs'", "./g.mjs ", true },
		{ "", "", false },
		{ "import data from './h.json' assert {type: 'json'}", "./h.json ", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		OWN(str) found = STR_NONE;

		assert_int_equal(imports_scan(rows[i].source, strlen(rows[i].source), note, &found), rows[i].is_module);
		assert_string_equal(str_text(&found), rows[i].found);
	}
}

static void a_specifier_has_one_name(void **state)
{
	static const struct {
		const char *from, *specifier, *name;
	} rows[] = {
		{ "/a/b.mjs", "./c.mjs", "/a/c.mjs" },
		{ "/a/b.mjs", "../c.mjs", "/c.mjs" },
		{ "/a/b.mjs", "../../../../etc/passwd", "/etc/passwd" },
		{ "/a/b.mjs", "/x//y/./z/../w", "/x/y/w" },
		{ "/a/b.mjs", "bare", "bare" },
		{ "main", "./c", "/c" },
		{ "/a/b.mjs", "", NULL },
	};
	char name[IMPORTS_NAME_MAX];
	char long_one[2 * IMPORTS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const bool good = imports_resolve(rows[i].from, rows[i].specifier, strlen(rows[i].specifier), name);

		assert_int_equal(good, rows[i].name != NULL);
		if (good)
			assert_string_equal(name, rows[i].name);
	}
	memset(long_one, 'x', sizeof(long_one));
	assert_false(imports_resolve("/a", long_one, sizeof(long_one), name));
	memcpy(long_one, "./", 2);
	assert_false(imports_resolve("/a", long_one, sizeof(long_one), name));
	assert_false(imports_resolve("/a", "a\0b", 3, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_imported_is_found),
		cmocka_unit_test(a_specifier_has_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
