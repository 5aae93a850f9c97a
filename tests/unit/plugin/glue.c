/* plugin/glue: the C text around a compiled module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/glue.h"

static struct wasm_import imports[] = {
	{ .module = "ward", .name = "kv_get", .kind = WASM_FUNCTION, .type = { .words = "iiii", .results = "i" } },
	{ .module = "ward", .name = "log", .kind = WASM_FUNCTION, .type = { .words = "iii" } },
	{ .module = "embedder", .name = "a-Z.b", .kind = WASM_FUNCTION, .type = { .words = "iiii", .results = "i" } },
	{ .module = "ward", .name = "clock_ms", .kind = WASM_FUNCTION, .type = { .results = "I" } },
};
static struct wasm_export exports[] = {
	{ .name = "run", .kind = WASM_FUNCTION, .index = 7, .type = { .words = "ii", .results = "I" } },
	{ .name = "\"); */ evil\n\xff", .kind = WASM_FUNCTION, .index = 9 },
	{ .name = "memory", .kind = WASM_MEMORY },
	{ .name = "many", .kind = WASM_FUNCTION, .index = 4, .type = { .words = "ffff" } },
	{ .name = "alloc", .kind = WASM_FUNCTION, .index = 8, .type = { .words = "i", .results = "i" } },
};
static const struct wasm_module module = {
	.imports = imports, .n_imports = 4, .exports = exports, .n_exports = 5, .has_memory = true,
};

static void assert_has(const struct str *text, const char *line)
{
	if (!strstr(str_text(text), line))
		fail_msg("no '%s' in:\n%s", line, str_text(text));
}

static void imports_are_functions_of_wasm2cs_names(void **state)
{
	OWN(str) text = STR_NONE;

	(void)state;
	glue_write(&module, &text);
	assert_has(&text, "u32 Z_wardZ_kv_get(struct Z_ward_instance_t *at, u32 a0, u32 a1, u32 a2, u32 a3)\n");
	assert_has(&text, "return (u32)module_ask(0, words + 1);");
	assert_has(&text, "void Z_wardZ_log(struct Z_ward_instance_t *at, u32 a0, u32 a1, u32 a2)\n");
	assert_has(&text, "u32 Z_embedderZ_aZ2DZ5AZ2Eb(struct Z_embedder_instance_t *at");
	assert_has(&text, "u64 Z_wardZ_clock_ms(struct Z_ward_instance_t *at)\n");
	assert_has(&text, "Z_m_instantiate(&instance, 0, 0);");
}

static void only_what_a_host_calls_is_called(void **state)
{
	OWN(str) text = STR_NONE;

	(void)state;
	glue_write(&module, &text);
	assert_has(&text, "return Z_mZ_e0(&instance, words[0], words[1]);");
	assert_has(&text, "Z_mZ_e1(&instance);\n\treturn 0;");
	assert_has(&text, "return Z_mZ_e4(&instance, words[0]);");
	assert_null(strstr(str_text(&text), "Z_mZ_e3"));
	assert_has(&text, "module_n_exports = 3;");
	assert_has(&text, "\t7,\n\t9,\n\t0,\n\t4,\n\t8,\n");
	assert_has(&text, "return Z_mZ_memory(&instance);");
}

static void no_byte_of_a_name_is_c(void **state)
{
	OWN(str) text = STR_NONE;

	(void)state;
	glue_write(&module, &text);
	assert_null(strstr(str_text(&text), "evil"));
	assert_null(strstr(str_text(&text), "*/"));
	assert_has(&text, "\"\\042\\051\\073\\040\\052\\057\\040\\145\\166\\151\\154\\012\\377\"");
}

/* C takes a declaration twice, and a definition once. */
static void what_is_imported_twice_is_defined_once(void **state)
{
	struct wasm_import twice[] = { imports[0], imports[0], imports[1] };
	const struct wasm_module says = { .imports = twice, .n_imports = 3, .exports = exports, .n_exports = 5, .has_memory = true };
	OWN(str) text = STR_NONE;

	(void)state;
	glue_write(&says, &text);
	const char *const first = strstr(str_text(&text), "u32 Z_wardZ_kv_get(");

	assert_non_null(first);
	assert_null(strstr(first + 1, "u32 Z_wardZ_kv_get("));
	assert_has(&text, "module_ask(2, words + 1);");
	assert_has(&text, "module_n_imports = 3;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_imported_twice_is_defined_once),
		cmocka_unit_test(imports_are_functions_of_wasm2cs_names),
		cmocka_unit_test(only_what_a_host_calls_is_called),
		cmocka_unit_test(no_byte_of_a_name_is_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
