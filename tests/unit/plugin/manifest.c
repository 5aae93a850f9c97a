/* plugin/manifest: files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/manifest.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "version: 1\nname: x\nmodule: x.wasm\nsha256: " HASH "\n"

static void a_file_is_read(void **state)
{
	static const char yaml[] = HEAD "namespace: other\nstate: kept\nlimits: {memory: 1M, cpu: 5ms}\nquota: {keys: 3}\n"
				   "grant: [clock]\nfunctions:\n  - {name: f, class: network, why: because}\n  - {name: g, class: pure}\n";
	static const char json[] = "{\"version\": 1, \"name\": \"x\", \"module\": \"m\", \"sha256\": \"" HASH "\"}";
	OWN(manifest) a = MANIFEST_NONE;
	OWN(manifest) b = MANIFEST_NONE;
	struct err e = ERR_INIT;

	(void)state;
	if (manifest_read("a", yaml, strlen(yaml), &a, &e) < 0 || manifest_read("b", json, strlen(json), &b, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(a.name, "x");
	assert_string_equal(a.space, "other");
	assert_string_equal(b.space, "x");
	assert_false(a.fresh);
	assert_true(b.fresh);
	assert_int_equal(a.limits[PLUGIN_MEMORY], 1 << 20);
	assert_int_equal(a.limits[PLUGIN_CPU], 5);
	assert_int_equal(a.limits[PLUGIN_KEYS], 3);
	assert_int_equal(b.limits[PLUGIN_KEYS], 1024);
	assert_int_equal(a.grants, GRANT_CLOCK);
	assert_int_equal(a.sha256.bytes[1], 0x23);
	assert_int_equal(a.n_functions, 2);
	assert_int_equal(manifest_function(&a, "f")->declared, PLUGIN_CLASS_NETWORK);
	assert_string_equal(manifest_function(&a, "f")->why, "because");
	assert_null(manifest_function(&a, "h"));
}

static void a_bad_file_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "t:1:1: the manifest is empty" },
		{ "version: 1\n", "t:1:1: name is missing" },
		{ "version: 1\nname: x\n", "module is missing" },
		{ "version: 1\nname: x\nmodule: m\n", "sha256 is missing" },
		{ "name: x\nmodule: m\nsha256: " HASH "\n", "version is missing" },
		{ "version: 2\n", "t:1:10: version '2'" },
		{ HEAD "limit: {}\n", "t:5:1: unknown key 'limit' (did you mean 'limits'?)" },
		{ HEAD "limits: {memmory: 1M}\n", "t:5:10: unknown key 'memmory' in limits (did you mean 'memory'?)" },
		{ HEAD "limits: {keys: 1}\n", "t:5:10: unknown key 'keys' in limits" },
		{ HEAD "limits: {memory: 1K}\n", "t:5:18: limits.memory: 1K is outside 64K to 1G" },
		{ HEAD "limits: {cpu: 5}\n", "t:5:15: limits.cpu: 5 has no unit" },
		{ HEAD "quota: 5\n", "t:5:8: quota wants a map" },
		{ HEAD "grant: clock\n", "t:5:8: grant wants a list" },
		{ HEAD "grant: [network]\n", "t:5:9: 'network' is not one of clock|random" },
		{ HEAD "state: keep\n", "t:5:8: 'keep' is not one of fresh|kept" },
		{ HEAD "namespace: ../other\n", "t:5:12: a name has 1 to 64 letters" },
		{ HEAD "namespace: \"a/b\"\n", "a name has 1 to 64 letters" },
		{ "version: 1\nname: -x\n", "a name has 1 to 64 letters" },
		{ "version: 1\nname: x\nmodule: ''\n", "module wants a file's name" },
		{ "version: 1\nname: x\nsha256: 0123\n", "t:3:9: sha256 wants 64 hexadecimal digits" },
		{ "version: 1\nname: x\nsha256: " HASH "0\n", "sha256 wants 64 hexadecimal digits" },
		{ HEAD "functions: [{name: f}]\n", "a function has a name and a class" },
		{ HEAD "functions: [{name: f, class: netwrk}]\n", "no class 'netwrk' (did you mean 'network'?)" },
		{ HEAD "functions: [{name: f, class: all}]\n", "no class 'all'; known: pure, log, storage" },
		{ HEAD "functions: [{name: f, class: [a]}]\n", "class wants one value" },
		{ HEAD "functions: [{name: f, class: pure}, {name: f, class: pure}]\n", "function 'f' is there twice" },
		{ HEAD "functions: [{name: f, class: pure, way: x}]\n", "did you mean 'why'?" },
		{ HEAD "name: y\n", "t:5:1: duplicate key 'name'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(manifest) manifest = MANIFEST_NONE;
		struct err e = ERR_INIT;

		if (manifest_read("t", rows[i].text, strlen(rows[i].text), &manifest, &e) == 0)
			fail_msg("row %zu was read", i);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s, not %s", i, e.text, rows[i].error);
		assert_null(manifest.name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(a_bad_file_is_refused_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
