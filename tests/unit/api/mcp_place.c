/* api/mcp_place: the words are those of the classes that run, and of the tables that refuse. */
#include "api/mcp_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct order_class python = {
	.runtime = "python", .version = "3.11", .boundary = "container", .wall_ms = 7500, .cpu_ms = 2000, .wall_max_ms = 60000, .cpu_max_ms = 30000,
	.memory_max_bytes = (uint64_t)1 << 30, .pids_max = 99, .disk_max_bytes = (uint64_t)128 << 20,
	.limits = { .memory_bytes = (uint64_t)77 << 20, .pids = 13, .disk_bytes = (uint64_t)5 << 20 },
};

static void the_words_are_the_running_limits(void **state)
{
	struct order_class bash = python, exec = python;
	struct mcp_place place = { .classes = { &python, &bash, &exec }, .n = 3 };
	OWN(str) text = STR_NONE;

	(void)state;
	strcpy(bash.runtime, "bash");
	strcpy(exec.runtime, "exec");
	exec.limits.pids = 14;
	mcp_place_describe(&place, &text);
	assert_non_null(strstr(str_text(&text), "python 3.11 in container"));
	assert_non_null(strstr(str_text(&text), "Limits of python, bash, in brackets"));
	assert_non_null(strstr(str_text(&text), "7500 ms by the clock (at most 60 s), 2 s of processor time (30 s), memory 77 MiB (1024 MiB), "
						"13 processes (99), files 5 MiB (128 MiB)"));
	assert_non_null(strstr(str_text(&text), "Limits of exec,"));
	assert_non_null(strstr(str_text(&text), "14 processes"));
}

static void refused_calls_are_named(void **state)
{
	static const char *const words[] = { "No network", "mount", "bpf", "userfaultfd", "setns", "/work" };
	struct mcp_place place = { .classes = { &python }, .n = 1 };
	OWN(str) text = STR_NONE;

	(void)state;
	mcp_place_describe(&place, &text);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(str_text(&text), words[i]))
			fail_msg("%s is missing: %s", words[i], str_text(&text));
	/* What boxes may do stands nowhere among what is refused. */
	assert_null(strstr(str_text(&text), "personality,"));
	assert_null(strstr(str_text(&text), "openat,"));
}

static void nothing_that_runs_is_said_as_well(void **state)
{
	const struct mcp_place place = { .n = 0 };
	OWN(str) text = STR_NONE;

	(void)state;
	mcp_place_describe(&place, &text);
	assert_non_null(strstr(str_text(&text), "No runtime can be used here now"));
}

static void a_runtime_of_steps_takes_no_code(void **state)
{
	struct order_class class = python;

	(void)state;
	assert_true(mcp_place_takes_code(&class));
	strcpy(class.runtime, "exec");
	assert_false(mcp_place_takes_code(&class));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_are_the_running_limits),
		cmocka_unit_test(refused_calls_are_named),
		cmocka_unit_test(nothing_that_runs_is_said_as_well),
		cmocka_unit_test(a_runtime_of_steps_takes_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
