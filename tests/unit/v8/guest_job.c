/* v8/guest_job: command lines of zygotes and scripts are read as ward writes them, and nothing else is. */
#include "v8/guest_job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS 32

/* Cuts the words in place, so they are copied. */
static bool read_words(const char *const *words, struct guest_job *out)
{
	static char text[WORDS][64];
	char *argv[WORDS + 1] = { NULL };
	int n = 0;

	for (; words[n]; n++) {
		snprintf(text[n], sizeof(text[n]), "%s", words[n]);
		argv[n] = text[n];
	}
	memset(out, 0, sizeof(*out));
	return guest_job_read(n, argv, out);
}
#define READ(out, ...) read_words((const char *const[]){ "ward-v8", __VA_ARGS__, NULL }, out)

static void a_zygote_has_a_channel_and_what_its_engine_closes(void **state)
{
	struct guest_job job;

	(void)state;
	assert_true(READ(&job, "zygote", "--control=7"));
	assert_true(job.control_fd == 7 && job.forks == ISOLATE_FORKS && job.engine.jit && job.engine.lasts);
	assert_false(job.engine.eval || job.engine.wasm || job.engine.shared_memory || job.engine.has_modules || job.script);
	assert_true(READ(&job, "zygote", "--control=7", "--no-jit", "--eval", "--wasm", "--shared-memory", "--forks=3"));
	assert_true(!job.engine.jit && job.engine.eval && job.engine.wasm && job.engine.shared_memory && job.forks == 3);
}

static void a_zygote_for_modules_has_preopens(void **state)
{
	struct guest_job job;

	(void)state;
	assert_true(READ(&job, "zygote", "--control=7", "--modules", "--module=/ward/m.wasm", "--read=/guest/0:/data", "--write=/guest/1:/out"));
	assert_true(job.engine.has_modules && job.engine.n_preopens == 2 && strcmp(job.engine.module, "/ward/m.wasm") == 0);
	assert_string_equal(job.engine.preopens[0].path, "/guest/0");
	assert_string_equal(job.engine.preopens[0].name, "/data");
	assert_true(!job.engine.preopens[0].writes && job.engine.preopens[1].writes);
}

static void a_script_has_limits_grants_and_words(void **state)
{
	struct guest_job job;

	(void)state;
	assert_true(READ(&job, "js", "--memory=1048576", "--cpu-us=1000", "--wall-us=2000", "--requests", "--read=/guest/0:/a:b",
			 "--name=/ward/x.mjs", "/ward/script", "x.mjs", "--eval", "two"));
	assert_true(job.control_fd == -1 && job.requests && !job.engine.lasts);
	assert_true(job.limits.memory_bytes == 1048576 && job.limits.cpu_us == 1000 && job.limits.wall_us == 2000);
	assert_true(job.n_reads == 1 && strcmp(job.reads[0].name, "/a:b") == 0);
	assert_string_equal(job.script, "/ward/script");
	assert_string_equal(job.argv[0], "x.mjs");
	/* Behind the script they are its own. */
	assert_string_equal(job.argv[1], "--eval");
	assert_false(job.engine.eval);
	assert_true(job.argv[3] == NULL);
}

static void what_is_none_is_refused(void **state)
{
	static const char *const none[][7] = {
		{ "ward-v8", NULL },
		{ "ward-v8", "wasm", "/m", "m", NULL },
		{ "ward-v8", "zygote", NULL },
		{ "ward-v8", "zygote", "--control=0", NULL },
		{ "ward-v8", "zygote", "--control=99999999", NULL },
		{ "ward-v8", "zygote", "--control=7", "--forks=0", NULL },
		{ "ward-v8", "zygote", "--control=7", "--unknown", NULL },
		{ "ward-v8", "zygote", "--control=7", "script", NULL },
		{ "ward-v8", "zygote", "--control=7", "--module=m.wasm", NULL },
		{ "ward-v8", "zygote", "--control=7", "--read=/without", NULL },
		{ "ward-v8", "js", "--name=/x", NULL },
		{ "ward-v8", "js", "--name=/x", "/ward/script", NULL },
		{ "ward-v8", "js", "/ward/script", "x", NULL },
		{ "ward-v8", "js", "--name=x", "/ward/script", "x", NULL },
		{ "ward-v8", "js", "--modules", "--name=/x", "/ward/script", "x", NULL },
		{ "ward-v8", "js", "--memory=none", "--name=/x", "/ward/script", "x", NULL },
	};
	struct guest_job job;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (read_words(none[i], &job))
			print_message("row %zu was read\n", i);
		assert_false(read_words(none[i], &job));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zygote_has_a_channel_and_what_its_engine_closes),
		cmocka_unit_test(a_zygote_for_modules_has_preopens),
		cmocka_unit_test(a_script_has_limits_grants_and_words),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
