/* ward-v8: the engine's process, inside a box that ward made. Run by hand it confines only its system calls.
 *
 *   ward-v8 wasm [--memory=BYTES] [--read=PATH:NAME]... [--write=PATH:NAME]... [--pass=FD]... MODULE NAME [ARG]...
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "v8/wasm.h"
#include "wasi/wasi.h"

#define CODE_SETUP 125

static int usage(void)
{
	fprintf(stderr, "ward-v8: called by ward alone; use `ward run -b wasm MODULE [ARGUMENT]...`\n");
	return CODE_SETUP;
}

/* What the options said; the job points into it. */
struct given {
	struct wasm_preopen preopens[WASI_SLOTS];
	int passed[WASI_SLOTS];
	struct wasm_job job;
};

/* "PATH:NAME", cut at the first colon: ward chose the path. */
static bool add_preopen(struct given *given, char *value, bool writes)
{
	char *const colon = strchr(value, ':');

	if (!colon || given->job.n_preopens == WASI_SLOTS)
		return false;
	*colon = '\0';
	given->preopens[given->job.n_preopens++] = (struct wasm_preopen){ value, colon + 1, writes };
	return true;
}

static bool add_passed(struct given *given, const char *value)
{
	if (given->job.n_passed == WASI_SLOTS)
		return false;
	given->passed[given->job.n_passed++] = atoi(value);
	return true;
}

static bool take(struct given *given, char *word)
{
	if (strncmp(word, "--memory=", 9) == 0)
		return (given->job.memory_bytes = strtoull(word + 9, NULL, 10)) > 0;
	if (strncmp(word, "--read=", 7) == 0)
		return add_preopen(given, word + 7, false);
	if (strncmp(word, "--write=", 8) == 0)
		return add_preopen(given, word + 8, true);
	return strncmp(word, "--pass=", 7) == 0 && add_passed(given, word + 7);
}

int main(int argc, char **argv)
{
	static struct given given = { .job.memory_bytes = UINT64_C(4) << 30 };
	struct err e = ERR_INIT;
	int at = 2;

	if (argc < 4 || strcmp(argv[1], "wasm") != 0)
		return usage();
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++)
		if (!take(&given, argv[at]))
			return usage();
	if (at + 1 >= argc)
		return usage();
	given.job.preopens = given.preopens;
	given.job.passed = given.passed;
	given.job.module = argv[at];
	given.job.argv = (const char *const *)argv + at + 1;
	given.job.envp = (const char *const *)environ;
	(void)!wasm_run(&given.job, &e); /* comes back only with an error */
	dprintf(STDERR_FILENO, "ward-v8: %s\n", e.text);
	return CODE_SETUP;
}
