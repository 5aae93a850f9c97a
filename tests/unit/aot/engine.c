/* aot/engine, memory, table and trap, around a module that is written in C as wasm2c would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aot/aot.h"

/* ---- the module ---- */

static wasm_rt_memory_t memory;
static wasm_rt_funcref_table_t table;
static volatile int turns;
static uint32_t asked, types[3], first_pages = 1;

static uint64_t do_nothing(const uint32_t *words)
{
	(void)words;
	return 42;
}

static uint64_t do_touch(const uint32_t *words)
{
	return ((volatile uint8_t *)memory.data)[words[0]];
}

static uint64_t do_poke(const uint32_t *words)
{
	((volatile uint8_t *)memory.data)[words[0]] = 1;
	return 0;
}

static uint64_t do_grow(const uint32_t *words)
{
	return wasm_rt_grow_memory(&memory, words[0]);
}

static uint64_t do_grow_table(const uint32_t *words)
{
	return wasm_rt_grow_funcref_table(&table, words[0], wasm_rt_funcref_null_value);
}

static uint64_t do_trap(const uint32_t *words)
{
	wasm_rt_trap((wasm_rt_trap_t)words[0]);
}

static uint64_t do_recurse(const uint32_t *words)
{
	volatile uint64_t room[64] = { words[0] };

	turns++;
	if (!words[0])
		return 0;
	return do_recurse(words) + room[1];
}

static uint64_t do_recurse_asking(const uint32_t *words)
{
	const uint64_t none[1] = { 0 };
	volatile uint64_t room[64] = { words[0] };

	module_ask(0, none);
	if (!words[0])
		return 0;
	return do_recurse_asking(words) + room[1];
}

static uint64_t do_ask(const uint32_t *words)
{
	const uint64_t given[1] = { words[0] };

	return module_ask(0, given);
}

static uint64_t do_ring(const uint32_t *words)
{
	raise(SIGUSR1);
	turns = (int)words[0];
	return 0;
}

const struct module_export module_exports[] = {
	{ "nothing", do_nothing, 0 }, { "touch", do_touch, 1 }, { "poke", do_poke, 1 }, { "grow", do_grow, 1 },
	{ "grow_table", do_grow_table, 1 }, { "trap", do_trap, 1 }, { "recurse", do_recurse, 1 },
	{ "recurse_asking", do_recurse_asking, 1 }, { "ask", do_ask, 1 }, { "ring", do_ring, 1 },
};
const size_t module_n_exports = sizeof(module_exports) / sizeof(module_exports[0]);
const struct module_import module_imports[] = { { "ward", "ask", "i", 'i' } };
const size_t module_n_imports = 1;
const struct module_symbol module_symbols[] = { { 0, 'e', 0 } };
const size_t module_n_symbols = 1;
const uint32_t module_export_numbers[] = { 7 }, module_anchor_at = 0, module_end_at = 16;
const size_t module_n_export_numbers = 1;

const uint8_t *module_anchor(void)
{
	return (const uint8_t *)(uintptr_t)&do_nothing;
}

void module_prepare(void)
{
	types[0] = wasm_rt_register_func_type(1, 1, WASM_RT_I32, WASM_RT_I64);
	types[1] = wasm_rt_register_func_type(2, 0, WASM_RT_I32, WASM_RT_I64);
	types[2] = wasm_rt_register_func_type(1, 1, WASM_RT_I32, WASM_RT_I64);
}

void module_instantiate(void)
{
	wasm_rt_allocate_memory(&memory, first_pages, 65536);
	wasm_rt_allocate_funcref_table(&table, 2, 10);
}

wasm_rt_memory_t *module_memory(void)
{
	return &memory;
}

/* ---- the host ---- */

static bool ask(void *at, const void *what, const uint64_t *words, struct engine_memory seen, uint64_t *result)
{
	(void)at;
	(void)what;
	asked++;
	*result = words[0] + seen.len;
	return words[0] != 13;
}

static bool find(void *at, const char *module, const char *name, struct engine_import *out)
{
	(void)at;
	*out = (struct engine_import){ .words = "i", .result = 'i', .call = ask };
	return strcmp(module, "ward") == 0 && strcmp(name, "ask") == 0;
}

static const struct engine_host host = { .find = find };
static struct engine *engine;

static void ring(int number)
{
	(void)number;
	engine_interrupt(engine);
}

static int set_up(void **state)
{
	const struct sigaction action = { .sa_handler = ring, .sa_flags = SA_ONSTACK | SA_NODEFER };
	struct engine_why why;

	(void)state;
	first_pages = 1;
	turns = 0;
	asked = 0;
	if (!engine)
		engine = engine_start(&(struct engine_setup){ .memory_pages = 4, .stack_bytes = 2 << 20 });
	sigaction(SIGUSR1, &action, NULL);
	return engine_load(engine, NULL, 0, &host, &why) ? 0 : -1;
}

static uint64_t call(const char *name, uint32_t word)
{
	uint64_t result = 0;
	struct engine_why why;

	if (!engine_call(engine, name, &word, 1, &result, &why))
		fail_msg("%s: %s", name, why.text);
	return result;
}

static void assert_ends(const char *name, uint32_t word, const char *words)
{
	struct engine_why why;
	uint64_t result;

	aot_start_traps(); /* the test's own frame has handlers, too */
	assert_false(engine_call(engine, name, &word, 1, &result, &why));
	if (!strstr(why.text, words))
		fail_msg("%s: %s", name, why.text);
	/* And the next call is one. */
	assert_true(engine_renew(engine, &why));
	assert_true(engine_call(engine, "nothing", NULL, 0, &result, &why));
	assert_int_equal(result, 42);
}

static void memory_ends_where_it_ends(void **state)
{
	(void)state;
	assert_int_equal(call("touch", 65535), 0);
	assert_ends("touch", 65536, "memory access out of bounds");
	assert_ends("touch", UINT32_MAX, "memory access out of bounds");
	assert_int_equal(call("grow", 1), 1);
	assert_int_equal(call("touch", 65536), 0);
	assert_ends("touch", 131072, "memory access out of bounds");
	assert_ends("touch", 65536, "memory access out of bounds"); /* a new instance has not grown */
}

static void memory_grows_to_the_hosts_limit(void **state)
{
	(void)state;
	assert_int_equal(call("grow", 4), UINT32_MAX);
	assert_int_equal(call("grow", UINT32_MAX), UINT32_MAX);
	assert_int_equal(call("grow", 3), 1);
	assert_int_equal(call("grow", 0), 4);
	assert_int_equal(call("grow", 1), UINT32_MAX);
	assert_int_equal(engine_memory_of(engine).len, 4 * 65536);
	assert_int_equal(call("ask", 1), 4 * 65536 + 1);
}

static void a_new_instance_sees_nothing_of_the_old_one(void **state)
{
	struct engine_why why;

	(void)state;
	call("poke", 5);
	assert_int_equal(call("touch", 5), 1);
	assert_true(engine_renew(engine, &why));
	assert_int_equal(call("touch", 5), 0);
}

static void a_first_memory_beyond_the_limit_is_refused(void **state)
{
	struct engine_why why;

	(void)state;
	first_pages = 5;
	assert_false(engine_renew(engine, &why));
	assert_non_null(strstr(why.text, "pages of 5"));
	assert_false(engine_call(engine, "nothing", NULL, 0, NULL, &why));
}

static void a_table_grows_to_its_maximum(void **state)
{
	(void)state;
	assert_int_equal(call("grow_table", 9), UINT32_MAX);
	assert_int_equal(call("grow_table", 8), 2);
	assert_int_equal(call("grow_table", 1), UINT32_MAX);
}

static void a_trap_is_named(void **state)
{
	(void)state;
	assert_ends("trap", WASM_RT_TRAP_UNREACHABLE, "unreachable");
	assert_ends("trap", WASM_RT_TRAP_DIV_BY_ZERO, "divide by zero");
	assert_ends("trap", WASM_RT_TRAP_CALL_INDIRECT, "an indirect call");
	assert_ends("trap", 1000, "no trap");
}

static void recursion_ends_and_so_does_the_host_before_it(void **state)
{
	(void)state;
	assert_ends("recurse", 1, "call stack exhausted");
	assert_true(turns > 100);
	assert_ends("recurse_asking", 1, "call stack exhausted");
	assert_true(asked > 100);
}

static void the_host_ends_a_call(void **state)
{
	(void)state;
	assert_int_equal(call("ask", 7), 65536 + 7);
	assert_ends("ask", 13, "stopped");
}

static void a_signal_ends_a_call_at_once(void **state)
{
	(void)state;
	turns = 0;
	assert_ends("ring", 1, "stopped");
	assert_int_equal(turns, 0);
	engine_interrupt(engine); /* nothing runs */
	assert_int_equal(call("ask", 1), 65536 + 1);
}

static void same_types_have_one_number(void **state)
{
	(void)state;
	assert_true(types[0] && types[0] == types[2] && types[0] != types[1]);
}

static void what_is_not_exported_is_not_called(void **state)
{
	const uint32_t word = 1;
	struct engine_why why;

	(void)state;
	assert_false(engine_call(engine, "elsewhere", &word, 1, NULL, &why));
	assert_false(engine_call(engine, "touch", NULL, 0, NULL, &why));
	assert_true(engine_has(engine, "touch") && !engine_has(engine, "elsewhere"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memory_ends_where_it_ends, set_up),
		cmocka_unit_test_setup(memory_grows_to_the_hosts_limit, set_up),
		cmocka_unit_test_setup(a_new_instance_sees_nothing_of_the_old_one, set_up),
		cmocka_unit_test_setup(a_first_memory_beyond_the_limit_is_refused, set_up),
		cmocka_unit_test_setup(a_table_grows_to_its_maximum, set_up),
		cmocka_unit_test_setup(a_trap_is_named, set_up),
		cmocka_unit_test_setup(recursion_ends_and_so_does_the_host_before_it, set_up),
		cmocka_unit_test_setup(the_host_ends_a_call, set_up),
		cmocka_unit_test_setup(a_signal_ends_a_call_at_once, set_up),
		cmocka_unit_test_setup(same_types_have_one_number, set_up),
		cmocka_unit_test_setup(what_is_not_exported_is_not_called, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
