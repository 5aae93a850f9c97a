/* Reads the sections in front of the code. Every length is checked against what is left of its section, and every
 * number of items against what a byte each could hold; what it does not know it refuses to guess. */
#include "wasm/sections.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "wasm/cursor.h"

enum section {
	SECTION_CUSTOM, SECTION_TYPE, SECTION_IMPORT, SECTION_FUNCTION, SECTION_TABLE, SECTION_MEMORY, SECTION_GLOBAL,
	SECTION_EXPORT, SECTION_START, SECTION_ELEMENT, SECTION_CODE, SECTION_DATA, SECTION_DATA_COUNT, SECTION_TAG,
	SECTION_NUMBERS
};

/* Where each may stand. Sources: core specification 2.0, section 5.5.2; exception handling, the tag section */
static const uint8_t order[SECTION_NUMBERS] = {
	[SECTION_TYPE] = 1, [SECTION_IMPORT] = 2, [SECTION_FUNCTION] = 3, [SECTION_TABLE] = 4, [SECTION_MEMORY] = 5,
	[SECTION_TAG] = 6, [SECTION_GLOBAL] = 7, [SECTION_EXPORT] = 8, [SECTION_START] = 9, [SECTION_ELEMENT] = 10,
	[SECTION_DATA_COUNT] = 11, [SECTION_CODE] = 12, [SECTION_DATA] = 13,
};

struct reading {
	struct cursor in;
	struct arena *arena;
	struct wasm_module *module;
	struct wasm_type *types;
	size_t n_types;
	uint32_t *functions;            /* type of each function, imported ones first */
	size_t n_functions;
	struct err *e;
};

static int wrong(const struct reading *r, const char *what)
{
	return err_set(r->e, ERR_USAGE, "byte %zu: %s", r->in.at, what);
}

static int too_many(const struct reading *r, const char *what, uint64_t n, size_t max)
{
	return err_set(r->e, ERR_LIMIT, "byte %zu: %" PRIu64 " %s; at most %zu are read", r->in.at, n, what, max);
}

static uint32_t take_u32(struct cursor *in)
{
	return (uint32_t)cursor_number(in, 32);
}

/* A vector's length: each item is a byte at least, so that no length is believed that the bytes cannot hold. */
static int take_count(struct reading *r, const char *what, size_t max, uint32_t *n)
{
	*n = take_u32(&r->in);
	if (r->in.bad || *n > r->in.end - r->in.at)
		return wrong(r, "the number of items is more than the section holds");
	return *n > max ? too_many(r, what, *n, max) : 0;
}

static int take_name(struct reading *r, const char **out)
{
	const uint32_t len = take_u32(&r->in);
	const char *text;

	if (r->in.bad || len > r->in.end - r->in.at)
		return wrong(r, "a name is longer than its section");
	if (len > SECTIONS_NAME)
		return too_many(r, "bytes of a name", len, SECTIONS_NAME);
	text = (const char *)r->in.bytes + r->in.at;
	if (!str_is_utf8(text, len))
		return wrong(r, memchr(text, 0, len) ? "a name with a NUL in it" : "a name is not UTF-8");
	*out = arena_copy(r->arena, text, len);
	r->in.at += len;
	return 0;
}

static char letter_of(uint8_t type)
{
	switch (type) {
	case 0x7f: return 'i';
	case 0x7e: return 'I';
	case 0x7d: return 'f';
	case 0x7c: return 'F';
	default: return '?';
	}
}

static int take_words(struct reading *r, char *out, bool *too_long)
{
	uint32_t n;

	if (take_count(r, "parameters", 1000, &n) < 0) /* 1,000: kV8MaxWasmFunctionParams and everybody's */
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t type = cursor_byte(&r->in);

		/* Numbers and v128; funcref; externref. What is longer than a byte came after this reader. */
		if ((type < 0x7b || type > 0x7f) && type != 0x70 && type != 0x6f)
			return wrong(r, "a type that is not known to this ward");
		if (i < SECTIONS_WORDS)
			out[i] = letter_of(type);
		else
			*too_long = true;
	}
	return 0;
}

static int read_types(struct reading *r)
{
	uint32_t n;

	if (take_count(r, "types", SECTIONS_TYPES, &n) < 0)
		return -1;
	r->types = arena_alloc(r->arena, (n + 1) * sizeof(*r->types));
	for (uint32_t i = 0; i < n; i++) {
		struct wasm_type *const type = &r->types[i];

		if (cursor_byte(&r->in) != 0x60)
			return wrong(r, "a type that is no function");
		if (take_words(r, type->words, &type->too_long) < 0 || take_words(r, type->results, &type->too_long) < 0)
			return -1;
	}
	r->n_types = n;
	return 0;
}

/* Limits of a memory or table; only a memory's are kept. */
static int take_limits(struct reading *r, struct wasm_module *keep)
{
	const uint8_t flags = cursor_byte(&r->in);
	const unsigned bits = flags & 4 ? 64 : 32;
	uint64_t least, most = 0;

	if (flags > 7)
		return wrong(r, "limits of a kind that is not known to this ward");
	least = cursor_number(&r->in, bits);
	if (flags & 1)
		most = cursor_number(&r->in, bits);
	if (keep) {
		keep->pages = least;
		keep->pages_max = most;
		keep->has_maximum = flags & 1;
		keep->memory_is_shared = flags & 2;
		keep->memory_is_64 = flags & 4;
	}
	return 0;
}

static int take_type(struct reading *r, uint32_t *index)
{
	*index = take_u32(&r->in);
	return r->in.bad || *index >= r->n_types ? wrong(r, "a function of a type that is not there") : 0;
}

static int take_import(struct reading *r, struct wasm_import *out)
{
	uint32_t type;

	if (take_name(r, &out->module) < 0 || take_name(r, &out->name) < 0)
		return -1;
	out->kind = (enum wasm_kind)cursor_byte(&r->in);
	switch (out->kind) {
	case WASM_FUNCTION:
		if (take_type(r, &type) < 0)
			return -1;
		out->type = r->types[type];
		r->functions[r->n_functions++] = type;
		return 0;
	case WASM_TABLE:
		cursor_byte(&r->in);
		return take_limits(r, NULL);
	case WASM_MEMORY:
		return take_limits(r, NULL);
	case WASM_GLOBAL:
		cursor_byte(&r->in);
		cursor_byte(&r->in);
		return 0;
	case WASM_TAG:
		cursor_byte(&r->in);
		return take_type(r, &type);
	default:
		return wrong(r, "an import of a kind that is not known to this ward");
	}
}

static int read_imports(struct reading *r)
{
	uint32_t n;

	if (take_count(r, "imports", SECTIONS_IMPORTS, &n) < 0)
		return -1;
	r->module->imports = arena_alloc(r->arena, (n + 1) * sizeof(*r->module->imports));
	for (uint32_t i = 0; i < n; i++, r->module->n_imports++)
		if (take_import(r, &r->module->imports[i]) < 0)
			return -1;
	return 0;
}

static int read_functions(struct reading *r)
{
	uint32_t n, *grown;

	if (take_count(r, "functions", SECTIONS_FUNCTIONS, &n) < 0)
		return -1;
	grown = arena_alloc(r->arena, (r->n_functions + n + 1) * sizeof(*grown));
	memcpy(grown, r->functions, r->n_functions * sizeof(*grown));
	r->functions = grown;
	for (uint32_t i = 0; i < n; i++)
		if (take_type(r, &r->functions[r->n_functions++]) < 0)
			return -1;
	r->module->n_functions = n;
	return 0;
}

static int read_memories(struct reading *r)
{
	uint32_t n;

	if (take_count(r, "memories", 1, &n) < 0)
		return -1;
	r->module->has_memory = n;
	return n ? take_limits(r, r->module) : 0;
}

static int read_exports(struct reading *r)
{
	uint32_t n;

	if (take_count(r, "exports", SECTIONS_EXPORTS, &n) < 0)
		return -1;
	r->module->exports = arena_alloc(r->arena, (n + 1) * sizeof(*r->module->exports));
	for (uint32_t i = 0; i < n; i++, r->module->n_exports++) {
		struct wasm_export *const export = &r->module->exports[i];
		uint32_t index;

		if (take_name(r, &export->name) < 0)
			return -1;
		export->kind = (enum wasm_kind)cursor_byte(&r->in);
		export->index = index = take_u32(&r->in);
		if (r->in.bad || export->kind > WASM_TAG)
			return wrong(r, "an export of a kind that is not known to this ward");
		if (export->kind == WASM_FUNCTION && index >= r->n_functions)
			return wrong(r, "an export of a function that is not there");
		if (export->kind == WASM_FUNCTION)
			export->type = r->types[r->functions[index]];
	}
	return 0;
}

static int read_start(struct reading *r)
{
	r->module->has_start = true;
	return take_u32(&r->in) >= r->n_functions ? wrong(r, "it starts with a function that is not there") : 0;
}

static int read_section(struct reading *r, uint8_t number)
{
	static int (*const readers[SECTION_NUMBERS])(struct reading *) = {
		[SECTION_TYPE] = read_types, [SECTION_IMPORT] = read_imports, [SECTION_FUNCTION] = read_functions,
		[SECTION_MEMORY] = read_memories, [SECTION_EXPORT] = read_exports, [SECTION_START] = read_start,
	};

	if (!readers[number]) {
		r->in.at = r->in.end;
		return 0;
	}
	if (readers[number](r) < 0)
		return -1;
	if (r->in.bad)
		return wrong(r, "the section ends too early");
	return r->in.at == r->in.end ? 0 : wrong(r, "bytes behind the end of a section's content");
}

static int read_all(struct reading *r, size_t len)
{
	uint8_t before = 0;

	while (r->in.at < len) {
		const uint8_t number = cursor_byte(&r->in);
		const uint32_t size = take_u32(&r->in);

		if (r->in.bad || size > len - r->in.at)
			return wrong(r, "a section is longer than the file: it was cut, or is no module");
		if (number >= SECTION_NUMBERS)
			return wrong(r, "a section of a kind that is not known to this ward");
		if (number != SECTION_CUSTOM && order[number] <= before)
			return wrong(r, "sections out of order, or one twice");
		before = number == SECTION_CUSTOM ? before : order[number];
		r->in.end = r->in.at + size;
		if (read_section(r, number) < 0)
			return -1;
		r->in.end = len;
	}
	return 0;
}

int sections_read(const uint8_t *bytes, size_t len, struct arena *arena, struct wasm_module *out, struct err *e)
{
	static const uint8_t magic[] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
	struct wasm_module module = { .imports = NULL };
	struct reading r = { .in = { bytes, sizeof(magic), len, false }, .arena = arena, .module = &module, .e = e };

	if (len < 4 || memcmp(bytes, magic, 4) != 0)
		return err_set(e, ERR_USAGE, "it is no WebAssembly module: those begin with \\0asm");
	if (len < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return err_set(e, ERR_USAGE, "it is not of version 1: a component, or from another future");
	r.functions = arena_alloc(arena, (SECTIONS_IMPORTS + 1) * sizeof(*r.functions));
	r.types = arena_alloc(arena, sizeof(*r.types));
	if (read_all(&r, len) < 0)
		return -1;
	*out = module;
	return 0;
}

const char *wasm_kind_name(enum wasm_kind kind)
{
	static const char *const names[] = { "function", "table", "memory", "global", "tag" };

	return kind < ARRAY_SIZE(names) ? names[kind] : "thing";
}

const struct wasm_export *wasm_find_export(const struct wasm_module *module, const char *name)
{
	for (size_t i = 0; i < module->n_exports; i++)
		if (strcmp(module->exports[i].name, name) == 0)
			return &module->exports[i];
	return NULL;
}
