/* Between one module, compiled, and the runtime that it is linked with. The tables are written by plugin/glue.c and,
 * for the symbols, by compile.sh. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "aot/wasm-rt.h"

struct module_import {
	const char *module, *name;
	const char *words;              /* as struct engine_import */
	char result;
};
extern const struct module_import module_imports[];
extern const size_t module_n_imports;

/* Only those of the types that a host calls. */
struct module_export {
	const char *name;
	uint64_t (*call)(const uint32_t *words);
	size_t n;                       /* words */
};
extern const struct module_export module_exports[];
extern const size_t module_n_exports;

/* Makes the instance, and runs its start function. */
void module_prepare(void);
void module_instantiate(void);
/* NULL: it exports none. */
wasm_rt_memory_t *module_memory(void);

/* Calls the import of that number; does not come back when the host ends the call. */
uint64_t module_ask(size_t import, const uint64_t *words);

/* Where functions begin, in order of their places: offsets in the module's part of the program. */
struct module_symbol {
	uint32_t at;
	char kind;                      /* 'f': the module's number; 'e': the export's */
	uint32_t number;
};
extern const struct module_symbol module_symbols[];
extern const size_t module_n_symbols;
extern const uint32_t module_anchor_at, module_end_at;  /* of module_anchor, and the first byte behind all */
const uint8_t *module_anchor(void);
extern const uint32_t module_export_numbers[];          /* by number of the export: that of its function */
extern const size_t module_n_export_numbers;
