/* Refuses every import but those of the table, by name, and says for each why and what to do. */
#include "plugin/admit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "plugin/functions.h"

#define PAGE_BYTES 65536
#define REASONS    32   /* lines; a module with more is as wrong */

void admission_done(struct admission *admission)
{
	str_done(&admission->refused);
	str_done(&admission->warnings);
}

/* Names come from the module. */
static void add_line(struct str *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(struct str *out, const char *format, ...)
{
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clean_bytes(text, strlen(text), "");
	str_addf(out, "%s\n", text);
}

#define REFUSE(to, ...) \
	do { \
		if ((to)->n_refused++ < REASONS) \
			add_line(&(to)->refused, __VA_ARGS__); \
	} while (0)

/* What other hosts give, and why this one does not. */
static const struct {
	const char *module, *why, *fix;
} known_modules[] = {
	{ "wasi_snapshot_preview1", "WASI reaches files, clocks, chance and sockets; a plug-in has none",
	  "build it without a libc (clang --target=wasm32 -nostdlib), or run it with `ward run -b wasm`" },
	{ "wasi_unstable", "WASI reaches files, clocks, chance and sockets; a plug-in has none",
	  "build it without a libc (clang --target=wasm32 -nostdlib)" },
	{ "env", "that is where compilers put what they did not find while linking",
	  "give the name an import_module(\"" PLUGIN_MODULE "\") in the source, or link what defines it" },
	{ "wbg", "it was built for a browser's JavaScript", "build it for wasm32-unknown-unknown without bindings" },
	{ "gojs", "it was built for Go's JavaScript glue", "build it with a compiler that needs no host" },
};

static void refuse_module(const struct wasm_import *import, struct admission *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_modules); i++)
		if (strcmp(known_modules[i].module, import->module) == 0) {
			REFUSE(out, "import %.40s.%.80s: %s; %s", import->module, import->name, known_modules[i].why,
			       known_modules[i].fix);
			return;
		}
	REFUSE(out, "import %.40s.%.80s: a plug-in imports from \"" PLUGIN_MODULE "\" (log, kv_get, kv_put) and nothing else; "
	       "remove the import", import->module, import->name);
}

static void refuse_name(const struct wasm_import *import, struct admission *out)
{
	struct str_near near = STR_NEAR(import->name);

	for (size_t i = 0; i < PLUGIN_FUNCTIONS; i++)
		str_near_offer(&near, plugin_function_row((enum plugin_function)i)->name);
	if (str_near_best(&near))
		REFUSE(out, "import " PLUGIN_MODULE ".%.80s: there is no such function (did you mean '%s'?)", import->name,
		       str_near_best(&near));
	else
		REFUSE(out, "import " PLUGIN_MODULE ".%.80s: there is no such function; a plug-in has log, kv_get, kv_put",
		       import->name);
}

/* "(i32, i32) -> i64", from the letters. */
static const char *signature(const char *words, const char *results, char *out, size_t cap)
{
	static const char *const names[] = { ['i'] = "i32", ['I'] = "i64", ['f'] = "f32", ['F'] = "f64", ['?'] = "?" };
	size_t n = (size_t)snprintf(out, cap, "(");

	for (const char *p = words; *p && n < cap; p++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", p == words ? "" : ", ", names[(unsigned char)*p]);
	if (n < cap)
		n += (size_t)snprintf(out + n, cap - n, ")%s", *results ? " -> " : "");
	for (const char *p = results; *p && n < cap; p++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", p == results ? "" : ", ", names[(unsigned char)*p]);
	return out;
}

static void check_type(const struct wasm_import *import, const char *words, const char *results, struct admission *out)
{
	char is[160], wanted[160];

	if (!import->type.too_long && strcmp(import->type.words, words) == 0 && strcmp(import->type.results, results) == 0)
		return;
	REFUSE(out, "import %.40s.%.80s: it is declared as %s%s and is %s; declare it so", import->module, import->name,
	       signature(import->type.words, import->type.results, is, sizeof(is)),
	       import->type.too_long ? " and more" : "", signature(words, results, wanted, sizeof(wanted)));
}

static void check_own(const struct manifest *manifest, const struct wasm_import *import, struct admission *out)
{
	const enum plugin_function which = plugin_function_find(import->name);
	const struct plugin_function_row *const row = which < PLUGIN_FUNCTIONS ? plugin_function_row(which) : NULL;

	if (!row)
		refuse_name(import, out);
	else if (row->grant & ~manifest->grants)
		REFUSE(out, "import " PLUGIN_MODULE ".%s: the manifest does not grant it; write grant: [%s] if the plug-in may "
		       "have that", row->name, row->grant == GRANT_CLOCK ? "clock" : "random");
	else
		check_type(import, row->words, (char[]){ row->result, '\0' }, out);
}

static void check_import(const struct manifest *manifest, const struct wasm_import *import, struct admission *out)
{
	const bool is_own = strcmp(import->module, PLUGIN_MODULE) == 0;

	if (import->kind != WASM_FUNCTION)
		REFUSE(out, "import %.40s.%.80s: a %s cannot be given to a plug-in, its memory and tables are its own; define it "
		       "in the module", import->module, import->name, wasm_kind_name(import->kind));
	else if (is_own)
		check_own(manifest, import, out);
	else if (strcmp(import->module, PLUGIN_EMBEDDER) != 0)
		refuse_module(import, out);
	else if (!manifest_function(manifest, import->name))
		REFUSE(out, "import " PLUGIN_EMBEDDER ".%.80s: the manifest lists no such function; write functions: [{name: NAME, "
		       "class: CLASS}]", import->name);
	else
		check_type(import, PLUGIN_EMBEDDER_WORDS, "i", out);
}

static void check_twice(const struct wasm_module *module, size_t at, struct admission *out)
{
	const struct wasm_import *const import = &module->imports[at];

	for (size_t i = 0; i < at; i++)
		if (strcmp(module->imports[i].module, import->module) == 0 && strcmp(module->imports[i].name, import->name) == 0) {
			REFUSE(out, "import %.40s.%.80s: it is there twice, and only one of the two can be what a reader sees; import "
			       "it once", import->module, import->name);
			return;
		}
}

static void check_memory(const struct manifest *manifest, const struct wasm_module *module, struct admission *out)
{
	const uint64_t limit = manifest->limits[PLUGIN_MEMORY] / PAGE_BYTES;
	const struct wasm_export *const export = wasm_find_export(module, "memory");

	if (module->memory_is_shared || module->memory_is_64)
		REFUSE(out, "its memory is %s; a plug-in has one of 32 bits for itself", module->memory_is_shared ? "shared" :
		       "of 64 bits");
	else if (module->has_memory && module->pages > limit)
		REFUSE(out, "it begins with a memory of %" PRIu64 " pages of 64 KiB, limits.memory allows %" PRIu64 "; raise that or "
		       "link it with less", module->pages, limit);
	if (module->n_imports && (!export || export->kind != WASM_MEMORY))
		REFUSE(out, "it exports no memory under the name \"memory\", so that no function could read its arguments");
}

bool admit_callable(const struct wasm_export *export)
{
	const struct wasm_type *const type = &export->type;

	if (export->kind != WASM_FUNCTION || type->too_long)
		return false;
	return (!*type->words && !*type->results) || (strcmp(type->words, "ii") == 0 && strcmp(type->results, "I") == 0);
}

static void check_exports(const struct wasm_module *module, struct admission *out)
{
	const struct wasm_export *const alloc = wasm_find_export(module, "alloc");
	size_t n = 0;

	for (size_t i = 0; i < module->n_exports; i++)
		n += admit_callable(&module->exports[i]);
	if (!n)
		REFUSE(out, "it exports no function that could be called: () or (i32, i32) -> i64");
	if (alloc && (alloc->kind != WASM_FUNCTION || strcmp(alloc->type.words, "i") != 0 || strcmp(alloc->type.results, "i") != 0))
		REFUSE(out, "its export alloc is not (i32) -> i32, which the host calls for room for a call's input");
}

bool admit_warn(const struct manifest *manifest, const char *name, enum plugin_class declared, struct str *out)
{
	const struct plugin_class_row *const row = plugin_class_row(declared);
	const struct manifest_function *const listed = manifest_function(manifest, name);

	if (!row->widens)
		return false;
	add_line(out, "WARNING: %.64s.%.64s, of class %s, widens the sandbox of %.64s.%s%s%s%s", PLUGIN_EMBEDDER, name, row->word,
		 manifest->name,
		 *row->takes ? " Every input of a call, every value it has stored and every answer it was given can become " : "",
		 row->takes, *row->gives ? (*row->takes ? "; and it learns " : " It learns ") : "", row->gives);
	if (listed && listed->why)
		add_line(out, "  the manifest says why: %.300s", listed->why);
	return true;
}

/* A grant of the manifest is the host's own function, and widens as much as an embedder's would. */
static void warn_grants(const struct manifest *manifest, struct admission *out)
{
	static const struct {
		uint32_t grant;
		const char *name;
		enum plugin_class as;
	} rows[] = {
		{ GRANT_CLOCK, "clock_ms", PLUGIN_CLASS_CLOCK }, { GRANT_RANDOM, "random_get", PLUGIN_CLASS_RANDOM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (manifest->grants & rows[i].grant) {
			add_line(&out->warnings, "WARNING: the grant of " PLUGIN_MODULE ".%s widens the sandbox of %.64s. It learns %s",
				 rows[i].name, manifest->name, plugin_class_row(rows[i].as)->gives);
			out->n_warnings++;
		}
}

static void warn_all(const struct manifest *manifest, struct admission *out)
{
	warn_grants(manifest, out);
	for (size_t i = 0; i < manifest->n_functions; i++) {
		const struct manifest_function *const function = &manifest->functions[i];

		if (!admit_warn(manifest, function->name, function->declared, &out->warnings))
			continue;
		out->n_warnings++;
		out->n_unexplained += !function->why;
	}
}

static void check_all(const struct manifest *manifest, const uint8_t *bytes, size_t len, struct arena *arena,
		      struct admission *out)
{
	struct wasm_module module;
	struct err e = ERR_INIT;
	const struct digest digest = sha256_of(bytes, len);
	char is[SHA256_TEXT], wanted[SHA256_TEXT];

	if (!digest_is(&digest, &manifest->sha256)) {
		digest_write(&digest, is);
		digest_write(&manifest->sha256, wanted);
		REFUSE(out, "its sha256 is %s, the manifest says %s: it is another module, or it was changed; look at it, then write "
		       "the new one", is, wanted);
	}
	if (sections_read(bytes, len, arena, &module, &e) < 0) {
		REFUSE(out, "%s", e.text);
		return;
	}
	for (size_t i = 0; i < module.n_imports; i++) {
		check_import(manifest, &module.imports[i], out);
		check_twice(&module, i, out);
	}
	check_memory(manifest, &module, out);
	check_exports(&module, out);
}

void admit_module(const struct manifest *manifest, const uint8_t *bytes, size_t len, struct admission *out)
{
	OWN(arena) arena = { .blocks = NULL };

	check_all(manifest, bytes, len, &arena, out);
	if (out->n_refused > REASONS)
		add_line(&out->refused, "and %zu more", out->n_refused - REASONS);
	warn_all(manifest, out);
}
