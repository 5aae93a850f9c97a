/* judge/nest: what stands in what, as a plan's command line says it. */
#include "judge/nest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy_key.h"

struct read {
	struct plan *plan;
	struct arena arena;
	struct nest nest;
};

static void read_done(struct read *read)
{
	plan_free(read->plan);
	arena_done(&read->arena);
}

static void read_words(struct read *read, uint32_t boundary, const char *const *words)
{
	static const char *const none[] = { NULL };

	*read = (struct read){ .plan = plan_new() };
	read->plan->boundary = boundary;
	plan_add_exec(read->plan, words, none);
	nest_read(read->plan, &read->arena, &read->nest);
}

static void a_native_program_stands_in_nothing_else(void **state)
{
	const char *const words[] = { "/bin/x", "wasm", "--read=/a:/b", NULL };
	OWN(read) read;
	OWN(str) text = STR_NONE;

	(void)state;
	read_words(&read, BOUNDARY_CONTAINER, words);
	assert_null(read.nest.guest);
	nest_text(&read.nest, &text);
	assert_int_equal(text.len, 0);
}

static void directories_have_the_guests_numbers(void **state)
{
	const char *const words[] = { "/ward/ward-v8", "wasm", "--memory=1", "--pass=7", "--write=/guest/1:.", "--read=/guest/0:/d:e",
				      "/ward/module.wasm", "m", NULL };
	OWN(read) read;
	OWN(str) text = STR_NONE;
	OWN(str) given = STR_NONE;

	(void)state;
	read_words(&read, BOUNDARY_WASM, words);
	assert_int_equal(read.nest.n_directories, 2);
	assert_string_equal(read.nest.directories[0].name, ".");
	assert_string_equal(read.nest.directories[1].path, "/guest/0");
	assert_string_equal(read.nest.directories[1].name, "/d:e");
	nest_text(&read.nest, &text);
	assert_string_equal(str_text(&text), "engine landlock-path  /guest/1 write\nengine landlock-path  /guest/0 read\n"
			    "engine seccomp        49 calls, any other kills\n"
			    "module import         wasi_snapshot_preview1: 46 calls\n"
			    "module preopen        3 . write\nmodule preopen        4 /d:e read\n");
	nest_list_given(&read.nest, &given);
	assert_string_equal(str_text(&given), "the 46 calls of wasi_snapshot_preview1, and no system call; directories 3 . write, "
			    "4 /d:e read; 1 descriptor by number");
}

/* A guest's arguments may look like the engine's, and a name like a command to the terminal. */
static void what_a_guest_is_told_is_none_of_the_engines_words(void **state)
{
	const char *const words[] = { "/ward/ward-v8", "wasm", "--read=/guest/0:/\x1b[31m", "/ward/module.wasm", "--write=/etc:/etc",
				      NULL };
	OWN(read) read;
	OWN(str) text = STR_NONE;

	(void)state;
	read_words(&read, BOUNDARY_WASM, words);
	assert_int_equal(read.nest.n_directories, 1);
	nest_text(&read.nest, &text);
	assert_non_null(strstr(str_text(&text), "module preopen        3 /?[31m read\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_native_program_stands_in_nothing_else),
		cmocka_unit_test(directories_have_the_guests_numbers),
		cmocka_unit_test(what_a_guest_is_told_is_none_of_the_engines_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
