/* module/module: what a module may import, with which types, and how it ends. */
#include "module/module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasi/abi.h"

static uint32_t ended;

static void end(uint32_t code)
{
	ended = code;
}

static void every_call_of_wasi_is_there_by_its_name(void **state)
{
	struct module module = { .exited = end };
	const struct engine_host host = module_host(&module);
	struct engine_import import;
	uint32_t n = 0;

	(void)state;
	for (; wasi_call_at(n); n++) {
		const struct wasi_call *const call = wasi_call_at(n);

		assert_true(host.find(host.at, "wasi_snapshot_preview1", call->name, &import));
		assert_string_equal(import.words, call->words);
		assert_int_equal(import.result, strcmp(call->name, "proc_exit") == 0 ? '\0' : 'i');
		assert_int_equal(import.is_short, strncmp(call->name, "clock_", 6) == 0);
	}
	assert_int_equal(n, 46);
}

static void nothing_else_is_there(void **state)
{
	static const char *const names[][2] = {
		{ "wasi_unstable", "fd_close" }, { "env", "fd_close" }, { "", "fd_close" }, { "wasi_snapshot_preview1", "fd_dup" },
		{ "wasi_snapshot_preview1", "" }, { "wasi_snapshot_preview1", "fd_closex" }, { "ward", "log" },
	};
	struct module module = { .exited = end };
	const struct engine_host host = module_host(&module);
	struct engine_import import;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_false(host.find(host.at, names[i][0], names[i][1], &import));
}

static void a_call_has_the_memory_of_the_moment_and_ends_with_a_byte(void **state)
{
	static const struct {
		uint64_t code;
		uint32_t exit;
	} codes[] = { { 0, 0 }, { 255, 255 }, { 256, 255 }, { UINT32_MAX, 255 } };
	const struct wasi_setup none = { .argv = NULL };
	struct module module = { .exited = end };
	const struct engine_host host = module_host(&module);
	struct engine_import import;
	uint8_t memory[16] = { 0xff };
	uint64_t result = 99;

	(void)state;
	wasi_init(&module.wasi, &none);
	assert_true(host.find(host.at, "wasi_snapshot_preview1", "args_sizes_get", &import));
	assert_true(import.call(host.at, import.what, (const uint64_t[]){ 0, 4 }, (struct engine_memory){ memory, sizeof(memory) }, &result));
	assert_int_equal(result, WASI_SUCCESS);
	assert_int_equal(memory[0], 0);
	assert_true(import.call(host.at, import.what, (const uint64_t[]){ 0, 13 }, (struct engine_memory){ memory, sizeof(memory) }, &result));
	assert_int_equal(result, WASI_FAULT);
	assert_true(import.call(host.at, import.what, (const uint64_t[]){ 0, 4 }, (struct engine_memory){ NULL, 0 }, &result));
	assert_int_equal(result, WASI_FAULT);
	assert_true(host.find(host.at, "wasi_snapshot_preview1", "proc_exit", &import));
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		ended = 99;
		assert_true(import.call(host.at, import.what, &codes[i].code, (struct engine_memory){ memory, sizeof(memory) }, &result));
		assert_int_equal(ended, codes[i].exit);
	}
	wasi_done(&module.wasi);
}

static void streams_can_do_one_direction(void **state)
{
	(void)state;
	assert_true(module_stream_rights(0) & RIGHT_FD_READ && !(module_stream_rights(0) & RIGHT_FD_WRITE));
	for (int fd = 1; fd < 3; fd++)
		assert_true(module_stream_rights(fd) & RIGHT_FD_WRITE && !(module_stream_rights(fd) & RIGHT_FD_READ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_of_wasi_is_there_by_its_name),
		cmocka_unit_test(nothing_else_is_there),
		cmocka_unit_test(a_call_has_the_memory_of_the_moment_and_ends_with_a_byte),
		cmocka_unit_test(streams_can_do_one_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
