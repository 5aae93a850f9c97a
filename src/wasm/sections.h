/* What a WebAssembly module says of itself before any of it is compiled: imports, exports, memory. A reader of our
 * own, so that what is refused is decided by a few hundred lines of C and not by an engine. It looks at no code.
 * Source: WebAssembly Core Specification 1.0, section 5 (binary format) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SECTIONS_IMPORTS   256
#define SECTIONS_EXPORTS   4096
#define SECTIONS_TYPES     65536
#define SECTIONS_FUNCTIONS 100000
#define SECTIONS_NAME      255          /* bytes of a name */
#define SECTIONS_WORDS     16           /* parameters of a function that is imported or exported */

enum wasm_kind { WASM_FUNCTION, WASM_TABLE, WASM_MEMORY, WASM_GLOBAL, WASM_TAG };

/* "iIfF" for i32, i64, f32, f64; '?' for what is none of those. */
struct wasm_type {
	char words[SECTIONS_WORDS + 1], results[SECTIONS_WORDS + 1];
	bool too_long;
};

struct wasm_import {
	const char *module, *name;      /* any UTF-8 but NUL; may hold control bytes */
	enum wasm_kind kind;
	struct wasm_type type;          /* of a function */
};

struct wasm_export {
	const char *name;
	enum wasm_kind kind;
	uint32_t index;
	struct wasm_type type;          /* of a function */
};

/* All in an arena; the bytes are not needed any more. */
struct wasm_module {
	struct wasm_import *imports;
	size_t n_imports;
	struct wasm_export *exports;
	size_t n_exports;
	size_t n_functions;             /* of its own */
	bool has_memory, has_maximum, has_start;
	bool memory_is_shared, memory_is_64;
	uint64_t pages, pages_max;      /* of its own memory */
};

/* Errors: ERR_USAGE with the offset of the byte that is wrong, ERR_LIMIT for the bounds above */
MUST_USE int sections_read(const uint8_t *bytes, size_t len, struct arena *arena, struct wasm_module *out, struct err *e);

/* "function", "memory", ... */
const char *wasm_kind_name(enum wasm_kind kind);

/* The export of that name, NULL when there is none. */
const struct wasm_export *wasm_find_export(const struct wasm_module *module, const char *name);
