/* The command line of zygotes and scripts. Opens nothing. */
#include "v8/guest_job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define READS_MAX 2048

static bool take_number(const char *word, const char *name, uint64_t *out)
{
	const size_t len = strlen(name);

	if (strncmp(word, name, len) != 0)
		return false;
	*out = strtoull(word + len, NULL, 10);
	return *out > 0;
}

static bool take_flag(const char *word, struct guest_job *job)
{
	const struct { const char *word; bool *flag, value; } rows[] = {
		{ "--no-jit", &job->engine.jit, false },
		{ "--eval", &job->engine.eval, true },
		{ "--wasm", &job->engine.wasm, true },
		{ "--shared-memory", &job->engine.shared_memory, true },
		{ "--requests", &job->requests, true },
		{ "--modules", &job->engine.has_modules, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(word, rows[i].word) == 0) {
			*rows[i].flag = rows[i].value;
			return true;
		}
	return false;
}

/* "PATH:NAME", cut at the first colon: ward chose the path. */
static bool take_read(char *value, bool writes, struct guest_job *job)
{
	static struct wasm_preopen reads[READS_MAX];
	char *const colon = strchr(value, ':');

	if (!colon || job->n_reads == READS_MAX)
		return false;
	*colon = '\0';
	reads[job->n_reads++] = (struct wasm_preopen){ value, colon + 1, writes };
	job->reads = reads;
	return true;
}

static bool take(char *word, struct guest_job *job)
{
	uint64_t n;

	if (strncmp(word, "--read=", 7) == 0)
		return take_read(word + 7, false, job);
	if (strncmp(word, "--write=", 8) == 0)
		return take_read(word + 8, true, job);
	if (strncmp(word, "--module=", 9) == 0)
		return *(job->engine.module = word + 9) == '/';
	if (strncmp(word, "--name=", 7) == 0)
		return *(job->name = word + 7) == '/';

	if (take_number(word, "--control=", &n) && n < 1u << 20)
		job->control_fd = (int)n;
	else if (take_number(word, "--forks=", &n) && n <= 1u << 20)
		job->forks = (uint32_t)n;
	else
		return take_flag(word, job) || take_number(word, "--memory=", &job->limits.memory_bytes) ||
		       take_number(word, "--cpu-us=", &job->limits.cpu_us) || take_number(word, "--wall-us=", &job->limits.wall_us);
	return true;
}

bool guest_job_read(int argc, char **argv, struct guest_job *out)
{
	struct guest_job job = { .engine = { .jit = true }, .control_fd = -1, .forks = ISOLATE_FORKS };
	const bool is_zygote = argc >= 2 && strcmp(argv[1], "zygote") == 0;
	int at = 2;

	if (argc < 2 || (!is_zygote && strcmp(argv[1], "js") != 0))
		return false;
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++)
		if (!take(argv[at], &job))
			return false;
	if (is_zygote ? at != argc || job.control_fd < 0 : at + 1 >= argc || !job.name || job.engine.has_modules)
		return false;
	if (job.engine.has_modules) {
		job.engine.preopens = job.reads;
		job.engine.n_preopens = job.n_reads;
	}
	job.engine.lasts = is_zygote;
	if (!is_zygote) {
		job.script = argv[at];
		job.argv = (const char *const *)argv + at + 1;
		job.envp = (const char *const *)environ;
	}
	*out = job;
	return true;
}
