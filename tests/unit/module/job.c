/* module/job: the command line of a module, and what is none. */
#include "module/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "wasi/wasi.h"

/* A process has one job, and so each line is read by a process of its own; 0: as expected. */
static int in_another(bool (*look)(const struct wasm_job *job), int argc, const char *const *words)
{
	static char text[WASI_SLOTS + 8][32];
	char *argv[WASI_SLOTS + 9] = { NULL };
	struct wasm_job job;
	int status = -1;

	for (int i = 0; i < argc; i++) {
		snprintf(text[i], sizeof(text[i]), "%s", words[i]);
		argv[i] = text[i];
	}
	const pid_t pid = fork();
	if (pid == 0)
		_exit(job_read(argc, argv, &job) ? !(look && look(&job)) : look != NULL);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool has_all(const struct wasm_job *job)
{
	return job->memory_bytes == 65536 && job->n_preopens == 2 && strcmp(job->preopens[0].path, "/g/0") == 0 &&
	       strcmp(job->preopens[0].name, "/data:x") == 0 && !job->preopens[0].writes && job->preopens[1].writes &&
	       job->n_passed == 1 && job->passed[0] == 5 && strcmp(job->module, "/ward/m") == 0 &&
	       strcmp(job->argv[0], "m.wasm") == 0 && strcmp(job->argv[1], "--read=/:/") == 0 && !job->argv[2];
}

static bool has_its_own_defaults(const struct wasm_job *job)
{
	return job->memory_bytes == UINT64_C(4) << 30 && !job->n_preopens && !job->n_passed && strcmp(job->module, "--m") == 0;
}

static void a_module_has_preopens_and_words(void **state)
{
	static const char *const all[] = { "ward-v8", "wasm", "--memory=65536", "--read=/g/0:/data:x", "--write=/g/1:/out", "--pass=5",
					   "/ward/m", "m.wasm", "--read=/:/" };
	static const char *const few[] = { "ward-v8", "wasm", "--", "--m", "m" };

	(void)state;
	assert_int_equal(in_another(has_all, 9, all), 0);
	assert_int_equal(in_another(has_its_own_defaults, 5, few), 0);
}

static void what_is_none_is_refused(void **state)
{
	static const char *const none[][6] = {
		{ "ward-v8" }, { "ward-v8", "wasm" }, { "ward-v8", "wasm", "/m" }, { "ward-v8", "js", "/m", "m" },
		{ "ward-v8", "wasm", "--memory=0", "/m", "m" }, { "ward-v8", "wasm", "--read=/g", "/m", "m" },
		{ "ward-v8", "wasm", "--other", "/m", "m" }, { "ward-v8", "wasm", "--pass=5", "/m" }, { "ward-v8", "wasm", "--", "/m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		int argc = 0;

		while (argc < 6 && none[i][argc])
			argc++;
		if (in_another(NULL, argc, none[i]) != 0)
			print_message("row %zu was read\n", i);
		assert_int_equal(in_another(NULL, argc, none[i]), 0);
	}
}

static void more_directories_than_a_guest_has_room_for_are_refused(void **state)
{
	const char *words[WASI_SLOTS + 5] = { "ward-v8", "wasm" };

	(void)state;
	for (int i = 0; i <= WASI_SLOTS; i++)
		words[2 + i] = "--read=/g:/g";
	words[WASI_SLOTS + 3] = "/m";
	words[WASI_SLOTS + 4] = "m";
	assert_int_equal(in_another(NULL, WASI_SLOTS + 5, words), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_has_preopens_and_words),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(more_directories_than_a_guest_has_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
