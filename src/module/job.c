/* The command line of a module's process. Opens nothing. */
#include "module/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "wasi/wasi.h"

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

bool job_read(int argc, char **argv, struct wasm_job *out)
{
	static struct given given = { .job.memory_bytes = UINT64_C(4) << 30 };
	int at = 2;

	if (argc < 4 || strcmp(argv[1], "wasm") != 0)
		return false;
	for (; at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2]; at++)
		if (!take(&given, argv[at]))
			return false;
	at += at < argc && strcmp(argv[at], "--") == 0;
	if (at + 1 >= argc)
		return false;
	given.job.preopens = given.preopens;
	given.job.passed = given.passed;
	given.job.module = argv[at];
	given.job.engine = strcmp(argv[at], "-") == 0 ? "compiled module" : "ward-v8";
	given.job.argv = (const char *const *)argv + at + 1;
	given.job.envp = (const char *const *)environ;
	*out = given.job;
	return true;
}
