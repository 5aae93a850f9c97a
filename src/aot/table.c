/* Tables, and the numbers of types by which indirect calls are checked. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/aot.h"

#define TABLES  1024
#define ENTRIES UINT32_C(1000000)       /* in one table */
#define WORDS   64

static struct {
	void *tables[TABLES];           /* for aot_reset_tables() */
	size_t n;
} all;

void aot_reset_tables(void)
{
	for (size_t i = 0; i < all.n; i++)
		free(all.tables[i]);
	all.n = 0;
}

static _Noreturn void refuse(const char *what, uint32_t n)
{
	snprintf(aot.why->text, sizeof(aot.why->text), "%s of %u", what, n);
	aot_leave();
}

static void *allocate(uint32_t size, size_t each)
{
	if (size > ENTRIES || all.n == TABLES)
		refuse("more tables than a compiled module can have, or a table: entries", size);
	aot_enter_host();
	void *const data = calloc(size ? size : 1, each);

	if (!data)
		refuse("there is no room for a table: entries", size);
	all.tables[all.n++] = data;
	aot_leave_host();
	return data;
}

/* NULL: there is no room. */
static void *grow(void *data, uint32_t before, uint32_t more, uint32_t max, size_t each)
{
	const uint32_t most = max < ENTRIES ? max : ENTRIES;
	void *grown = NULL;
	size_t i = 0;

	if (before > most || more > most - before)
		return NULL;
	aot_enter_host();
	while (i < all.n && all.tables[i] != data)
		i++;
	if (i < all.n)
		grown = realloc(data, (before + more ? before + more : 1) * each);
	if (grown)
		all.tables[i] = grown;
	aot_leave_host();
	return grown;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t size, uint32_t max_size)
{
	*table = (wasm_rt_funcref_table_t){ allocate(size, sizeof(*table->data)), max_size, size };
}

void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *table, uint32_t size, uint32_t max_size)
{
	*table = (wasm_rt_externref_table_t){ allocate(size, sizeof(*table->data)), max_size, size };
}

/* Both kinds of table differ in what lies in them alone. */
#define GROW(kind) \
	uint32_t wasm_rt_grow_##kind##_table(wasm_rt_##kind##_table_t *table, uint32_t more, wasm_rt_##kind##_t with) \
	{ \
		const uint32_t before = table->size; \
		wasm_rt_##kind##_t *const data = grow(table->data, before, more, table->max_size, sizeof(*data)); \
\
		if (!data) \
			return UINT32_MAX; \
		table->data = data; \
		table->size = before + more; \
		for (uint32_t i = before; i < before + more; i++) \
			data[i] = with; \
		return before; \
	}
GROW(funcref)
GROW(externref)
#undef GROW

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table)
{
	(void)table; /* aot_reset_tables() */
}

void wasm_rt_free_externref_table(wasm_rt_externref_table_t *table)
{
	(void)table;
}

/* Before any guest code runs, once; plugin/glue.c bounds how many there are. */
uint32_t wasm_rt_register_func_type(uint32_t n_parameters, uint32_t n_results, ...)
{
	static struct type {
		uint32_t n_parameters;
		char words[WORDS];
	} *types;
	static uint32_t n;
	struct type type = { .n_parameters = n_parameters };
	va_list args;

	if (n_parameters + n_results >= WORDS) {
		fprintf(stderr, "ward: a function of %u words; a compiled module's have fewer than 64\n", n_parameters + n_results);
		exit(1);
	}
	va_start(args, n_results);
	for (uint32_t i = 0; i < n_parameters + n_results; i++)
		type.words[i] = (char)('a' + va_arg(args, int));
	va_end(args);
	for (uint32_t i = 0; i < n; i++)
		if (types[i].n_parameters == n_parameters && strcmp(types[i].words, type.words) == 0)
			return i + 1;
	types = reallocarray(types, n + 1, sizeof(*types));
	if (!types)
		abort();
	types[n++] = type;
	return n;
}
