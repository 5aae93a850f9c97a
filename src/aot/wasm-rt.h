/* What the C text that wasm2c 1.0.32 writes counts on, in our own words: types, kinds of trap, and the functions of
 * memory.c, table.c and trap.c. An address of 32 bits with an offset of 32 bits is inside the memory or its guard
 * pages, so that nothing is compared; a stack that ends is a guard page as well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define wasm_rt_memcpy __builtin_memcpy
#define wasm_rt_unreachable __builtin_unreachable

#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 1
#define WASM_RT_USE_STACK_DEPTH_COUNT 0
#define WABT_BIG_ENDIAN 0

typedef enum {
	WASM_RT_TRAP_NONE,
	WASM_RT_TRAP_OOB,
	WASM_RT_TRAP_INT_OVERFLOW,
	WASM_RT_TRAP_DIV_BY_ZERO,
	WASM_RT_TRAP_INVALID_CONVERSION,
	WASM_RT_TRAP_UNREACHABLE,
	WASM_RT_TRAP_CALL_INDIRECT,
	WASM_RT_TRAP_EXHAUSTION,
	WASM_RT_TRAPS
} wasm_rt_trap_t;

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_FUNCREF, WASM_RT_EXTERNREF } wasm_rt_type_t;

typedef void (*wasm_rt_function_ptr_t)(void);

typedef struct {
	uint32_t func_type;             /* of wasm_rt_register_func_type(); 0 is none */
	wasm_rt_function_ptr_t func;
	void *module_instance;
} wasm_rt_funcref_t;
static const wasm_rt_funcref_t wasm_rt_funcref_null_value = { 0, NULL, NULL };

typedef void *wasm_rt_externref_t;
static const wasm_rt_externref_t wasm_rt_externref_null_value = NULL;

typedef struct {
	uint8_t *data;
	uint32_t pages, max_pages;
	uint32_t size;                  /* bytes; fewer than 4 GiB */
} wasm_rt_memory_t;

typedef struct {
	wasm_rt_funcref_t *data;
	uint32_t max_size, size;
} wasm_rt_funcref_table_t;

typedef struct {
	wasm_rt_externref_t *data;
	uint32_t max_size, size;
} wasm_rt_externref_table_t;

bool wasm_rt_is_initialized(void);
__attribute__((noreturn)) void wasm_rt_trap(wasm_rt_trap_t which);

/* Types of the same parameters and results have the same number. */
uint32_t wasm_rt_register_func_type(uint32_t n_parameters, uint32_t n_results, ...);

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t pages, uint32_t max_pages);
uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages);
void wasm_rt_free_memory(wasm_rt_memory_t *memory);

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t size, uint32_t max_size);
void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *table, uint32_t size, uint32_t max_size);
uint32_t wasm_rt_grow_funcref_table(wasm_rt_funcref_table_t *table, uint32_t more, wasm_rt_funcref_t with);
uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *table, uint32_t more, wasm_rt_externref_t with);
void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table);
void wasm_rt_free_externref_table(wasm_rt_externref_table_t *table);
