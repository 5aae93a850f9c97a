/* Writes tables and, for each import and each export that a host calls, one function of one line. */
#include "plugin/glue.h"

#include <ctype.h>
#include <string.h>

#include "plugin/admit.h"
#include "wasm/bare.h"

/* As wasm2c does: what is no letter or digit becomes "Z" and two digits, and so does Z itself. */
static void add_mangled(struct str *out, const char *name)
{
	str_add(out, "Z_");
	for (const char *p = name; *p; p++)
		if ((isalnum((unsigned char)*p) && *p != 'Z') || *p == '_')
			str_add_bytes(out, p, 1);
		else
			str_addf(out, "Z%02X", (unsigned char)*p);
}

static void add_quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (const char *p = text; *p; p++)
		str_addf(out, "\\%03o", (unsigned char)*p);
	str_add(out, "\"");
}

static const char *word_of(char letter)
{
	return letter == 'I' ? "u64" : letter == 'i' ? "u32" : "void";
}

static void add_import(const struct wasm_import *import, size_t number, struct str *out)
{
	const char result = *import->type.results;

	str_addf(out, "%s ", word_of(result));
	add_mangled(out, import->module);
	add_mangled(out, import->name);
	str_add(out, "(struct ");
	add_mangled(out, import->module);
	str_add(out, "_instance_t *at");
	for (size_t i = 0; import->type.words[i]; i++)
		str_addf(out, ", %s a%zu", word_of(import->type.words[i]), i);
	str_add(out, ")\n{\n\tconst uint64_t words[] = { 0");
	for (size_t i = 0; import->type.words[i]; i++)
		str_addf(out, ", a%zu", i);
	str_addf(out, " };\n\t(void)at;\n\t%s(%s)module_ask(%zu, words + 1);\n}\n", result ? "return " : "", word_of(result), number);
}

/* Compilers import a function twice now and then, and wasm2c calls both by the one name. */
static bool is_again(const struct wasm_module *says, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(says->imports[i].name, says->imports[at].name) == 0 && strcmp(says->imports[i].module, says->imports[at].module) == 0)
			return true;
	return false;
}

static void add_imports(const struct wasm_module *says, struct str *out)
{
	for (size_t i = 0; i < says->n_imports; i++)
		if (!is_again(says, i))
			add_import(&says->imports[i], i, out);
	str_add(out, "const struct module_import module_imports[] = {\n");
	for (size_t i = 0; i < says->n_imports; i++) {
		const struct wasm_type *const type = &says->imports[i].type;

		str_add(out, "\t{ ");
		add_quoted(out, says->imports[i].module);
		str_add(out, ", ");
		add_quoted(out, says->imports[i].name);
		str_addf(out, ", \"%s\", %d },\n", type->words, *type->results);
	}
	str_addf(out, "\t{ 0, 0, 0, 0 }\n};\nconst size_t module_n_imports = %zu;\n", says->n_imports);
}

/* What a host calls: also what makes room for the input. */
static bool is_called(const struct wasm_export *export)
{
	return admit_callable(export) ||
	       (export->kind == WASM_FUNCTION && strcmp(export->name, "alloc") == 0 &&
		strcmp(export->type.words, "i") == 0 && strcmp(export->type.results, "i") == 0);
}

static void add_call(const struct wasm_export *export, size_t number, struct str *out)
{
	const bool has_result = *export->type.results;

	str_addf(out, "static uint64_t call_%zu(const uint32_t *words)\n{\n\t(void)words;\n\t%sZ_mZ_e%zu(&instance", number,
		 has_result ? "return " : "", number);
	for (size_t i = 0; export->type.words[i]; i++)
		str_addf(out, ", words[%zu]", i);
	str_addf(out, ");\n%s}\n", has_result ? "" : "\treturn 0;\n");
}

static void add_exports(const struct wasm_module *says, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < says->n_exports; i++)
		if (is_called(&says->exports[i]))
			add_call(&says->exports[i], i, out);
	str_add(out, "const struct module_export module_exports[] = {\n");
	for (size_t i = 0; i < says->n_exports; i++) {
		if (!is_called(&says->exports[i]))
			continue;
		str_add(out, "\t{ ");
		add_quoted(out, says->exports[i].name);
		str_addf(out, ", call_%zu, %zu },\n", i, strlen(says->exports[i].type.words));
		n++;
	}
	str_addf(out, "\t{ 0, 0, 0 }\n};\nconst size_t module_n_exports = %zu;\n", n);
	str_add(out, "const uint32_t module_export_numbers[] = {\n");
	for (size_t i = 0; i < says->n_exports; i++)
		str_addf(out, "\t%u,\n", says->exports[i].kind == WASM_FUNCTION ? says->exports[i].index : 0);
	str_addf(out, "\t0\n};\nconst size_t module_n_export_numbers = %zu;\n", says->n_exports);
}

/* One pointer for each module that it imports from; nothing is behind it. */
static size_t count_spaces(const struct wasm_module *says)
{
	size_t n = 0;

	for (size_t i = 0; i < says->n_imports; i++) {
		size_t before = 0;

		while (before < i && strcmp(says->imports[before].module, says->imports[i].module) != 0)
			before++;
		n += before == i;
	}
	return n;
}

static void add_instance(const struct wasm_module *says, struct str *out)
{
	str_add(out, "void module_prepare(void)\n{\n\tZ_m_init_module();\n}\n"
		"void module_instantiate(void)\n{\n\tZ_m_instantiate(&instance");
	for (size_t i = count_spaces(says); i; i--)
		str_add(out, ", 0");
	str_addf(out, ");\n}\nwasm_rt_memory_t *module_memory(void)\n{\n\treturn %s;\n}\n",
		 bare_memory(says) ? "Z_mZ_memory(&instance)" : "0");
	str_add(out, "const uint8_t *module_anchor(void)\n{\n\treturn (const uint8_t *)&Z_m_instantiate;\n}\n");
}

void glue_write(const struct wasm_module *says, struct str *out)
{
	str_add(out, "#include \"m.h\"\n#include \"aot/module.h\"\nstatic Z_m_instance_t instance;\n");
	add_imports(says, out);
	add_exports(says, out);
	add_instance(says, out);
}
