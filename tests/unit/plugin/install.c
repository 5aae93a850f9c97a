/* plugin/install: what the compilers' box is handed, and what its end means. In the place of ward stands a script. */
#include "plugin/install.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static const uint8_t module[] = {
	0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 10, 1, 6, '_', 's', 't', 'a', 'r', 't', 0, 0, 10, 4, 1, 2, 0, 11,
};

static char folder[] = "/tmp/ward-unit-XXXXXX", ward[64], runtime[64];

static void put(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(ward, sizeof(ward), "%s/ward", folder);
	snprintf(runtime, sizeof(runtime), "%s/runtime.a", folder);
	put(runtime, "the runtime", 0600);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(ward);
	unlink(runtime);
	return rmdir(folder);
}

/* The script's answer; false: it failed, and e says how. */
static bool make(const char *script, char **out, size_t *len, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	const struct install how = { .ward = ward, .runtime = runtime, .instead = "something else" };
	struct wasm_module says;
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	put(ward, text, 0700);
	assert_int_equal(sections_read(module, sizeof(module), &arena, &says, e), 0);
	return install_make(&how, module, sizeof(module), &says, out, len, e) == 0;
}

static void what_the_box_prints_is_the_program(void **state)
{
	struct err e = ERR_INIT;
	char *out = NULL;
	size_t len = 0;

	(void)state;
	if (!make("printf '\\177ELF and more'", &out, &len, &e))
		fail_msg("%s", e.text);
	assert_int_equal(len, 13);
	assert_memory_equal(out, "\177ELF and more", 13);
	free(out);
}

/* Words, policy and the five files; the module comes without its names. */
static void the_box_gets_five_files_and_a_policy(void **state)
{
	static const char script[] =
		"[ \"$1 $2 $3 $4\" = 'run -p - --widen' ] || exit 11\n"
		"grep -q '^network: none' || exit 12\n"
		"head -c 4 <&3 | tail -c 3 | grep -q asm || exit 13\n"
		"grep -q _start <&3 && exit 14\n"
		"grep -q 'module_instantiate' <&4 || exit 15\n"
		"grep -q wasm_rt_trap <&5 || exit 16\n"
		"grep -q module_import <&6 || exit 17\n"
		"grep -q 'the runtime' <&7 || exit 18\n"
		"printf '\\177ELF'";
	struct err e = ERR_INIT;
	char *out = NULL;
	size_t len = 0;

	(void)state;
	if (!make(script, &out, &len, &e))
		fail_msg("%s", e.text);
	free(out);
}

static const struct {
	const char *script;
	enum err_kind kind;
	const char *words;
} ends[] = {
	{ "echo 'error: unexpected opcode' >&2; exit 65", ERR_UNSUPPORTED,
	  "wasm2c refuses the module: error: unexpected opcode (threads, SIMD, exceptions, tail calls and memories of 64 bits are not for it; "
	  "something else may run it)" },
	{ "echo 'wasm2c is missing; install the packages wabt, gcc and libc6-dev' >&2; exit 66", ERR_UNSUPPORTED, "wasm2c is missing" },
	{ "echo 'limit.cpu' >&2; exit 124", ERR_LIMIT, "the module is too much to compile: 2 minutes of processor time, 2 GiB: limit.cpu" },
	{ "echo 'cc1: no' >&2; exit 1", ERR_SYSTEM, "it could not be compiled (exit 1): cc1: no" },
	{ "exit 0", ERR_SYSTEM, "the compiler's box has given no program" },
	{ "echo text", ERR_SYSTEM, "the compiler's box has given no program" },
	{ "kill -9 $$", ERR_SYSTEM, "ward ended before the compiler" },
};

static void every_other_end_says_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct err e = ERR_INIT;
		char *out = NULL;
		size_t len = 0;

		assert_false(make(ends[i].script, &out, &len, &e));
		assert_null(out);
		if (e.kind != ends[i].kind || !strstr(e.text, ends[i].words))
			fail_msg("%s: %s", ends[i].script, e.text);
	}
}

static void a_runtime_that_is_not_there_is_named(void **state)
{
	struct err e = ERR_INIT;
	char *out = NULL;
	size_t len = 0;

	(void)state;
	unlink(runtime);
	assert_false(make("exit 0", &out, &len, &e));
	assert_non_null(strstr(e.text, "runtime.a"));
	put(runtime, "the runtime", 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_box_prints_is_the_program),
		cmocka_unit_test(the_box_gets_five_files_and_a_policy),
		cmocka_unit_test(every_other_end_says_what_to_do),
		cmocka_unit_test(a_runtime_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
