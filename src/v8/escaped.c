/* ward-escaped: what stands in the engine's place when selftest has taken the engine away. It is given the engine's
 * command line, opens what the engine opens, seals itself as the engine does, and is native code from there on: it
 * makes ward-probe's attempts with the calls and paths that the seal leaves. The guest's arguments are the probe's.
 *
 *   seal=no   as the first of them: without the seal, in what the box alone leaves
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "probe/probe.h"
#include "v8/guest_job.h"
#include "v8/guest_seal.h"
#include "module/job.h"
#include "module/seal.h"

#define CODE_SETUP 125
#define WORDS 1024

struct escaped {
	struct wasm_job job;
	struct arena arena;
	char *argv[WORDS];
	int argc;
	uint64_t open_fds;
};

/* A guest holds its directories by descriptor, and so does whoever broke out of it. */
static bool open_preopens(struct escaped *self)
{
	for (size_t i = 0; i < self->job.n_preopens; i++) {
		const int fd = open(self->job.preopens[i].path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return false;
		if (fd < 64)
			self->open_fds |= UINT64_C(1) << fd;
	}
	return true;
}

/* The guest's name of a place as the path it has in the box; NULL: it is not below any of its directories. */
static char *real_place(struct escaped *self, const char *name)
{
	for (size_t i = 0; i < self->job.n_preopens; i++) {
		const struct wasm_preopen *const preopen = &self->job.preopens[i];
		const size_t len = strlen(preopen->name);

		if (strncmp(name, preopen->name, len) == 0 && (name[len] == '/' || !name[len]))
			return arena_printf(&self->arena, "%s%s", preopen->path, name + len);
	}
	return NULL;
}

/* Words of the probe that name what the policy grants. */
static char *translate(struct escaped *self, const char *word)
{
	static const char *const granted[] = { "self", "readable", "scratch", "suid", "filecap" };
	const char *const equals = strchr(word, '=');

	for (size_t i = 0; equals && i < ARRAY_SIZE(granted); i++) {
		char *place;

		if (strlen(granted[i]) != (size_t)(equals - word) || strncmp(word, granted[i], strlen(granted[i])) != 0)
			continue;
		place = real_place(self, equals + 1);
		return place ? arena_printf(&self->arena, "%s=%s", granted[i], place) : NULL;
	}
	if (strncmp(word, "passed=", 7) == 0) {
		const unsigned long long passed = strtoull(word + 7, NULL, 10);

		return arena_printf(&self->arena, "passed=%llu", passed | (unsigned long long)self->open_fds);
	}
	return arena_printf(&self->arena, "%s", word);
}

static bool translate_all(struct escaped *self, const char *const *words)
{
	for (; *words; words++) {
		char *const word = translate(self, *words);

		if (self->argc == WORDS - 1)
			return false;
		if (word)
			self->argv[self->argc++] = word;
	}
	return true;
}

static int fail(const char *what)
{
	dprintf(STDERR_FILENO, "ward-escaped: %s\n", what);
	return CODE_SETUP;
}

/* Did the first word ask for no seal? It is taken off. */
static bool takes_seal(const char *const **words)
{
	const bool seals = !**words || strcmp(**words, "seal=no") != 0;

	*words += !seals;
	return seals;
}

/* In a module's place: one process, which sealed itself. */
static int be_module(struct escaped *self)
{
	const char *const *words = self->job.argv + 1;
	const bool seals = takes_seal(&words);
	struct err e = ERR_INIT;

	if (!open_preopens(self))
		return fail("a granted directory cannot be opened");
	if (!translate_all(self, words))
		return fail("too many words");
	if (seals && seal_enter(self->job.preopens, self->job.n_preopens, &e) < 0)
		return fail(e.text);
	return probe_main(self->argc, self->argv);
}

/* In a script's place: a child of a process that sealed itself first, with one descriptor. It tells by that one. */
static _Noreturn void be_guest(struct escaped *self, const struct guest_job *job, const struct guest_seal *seal, pid_t parent)
{
	const struct isolate_limits none = { .memory_bytes = 0 };
	int keep = STDOUT_FILENO;
	struct err e = ERR_INIT;

	if (seal && (guest_seal_birth(seal, parent, job->limits.memory_bytes, &e) < 0 || guest_seal_keep(&keep, 1, &e) < 0 ||
		     guest_seal_close(&none, GUEST_CALLS_SCRIPT, false, &e) < 0))
		_exit(fail(e.text));
	_exit(probe_main(self->argc, self->argv));
}

/* The child's end is ours: a signal says what stopped it. */
static int be_script(struct escaped *self, const struct guest_job *job)
{
	const char *const *words = job->argv + 1;
	const bool seals = takes_seal(&words);
	struct guest_seal seal = GUEST_SEAL_NONE;
	struct err e = ERR_INIT;
	const pid_t parent = getpid();
	int status = 0;
	pid_t pid;

	if (!translate_all(self, words))
		return fail("too many words");
	if (seals && (guest_seal_zygote(&seal, &(struct guest_seal_setup){ .may_execute = job->engine.jit }, &e) < 0 ||
		      guest_seal_measure(&seal, &e) < 0))
		return fail(e.text);
	pid = guest_seal_fork(false);
	if (pid == 0)
		be_guest(self, job, seals ? &seal : NULL, parent);
	if (pid < 0 || wait4(pid, &status, 0, NULL) != pid)
		return fail("no guest could be forked");
	if (WIFSIGNALED(status))
		kill(parent, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_SETUP;
}

int main(int argc, char **argv)
{
	static struct escaped self;
	struct guest_job job;

	self.argv[self.argc++] = argv[0];
	/* As the engine does: a limit is an errno. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (guest_job_read(argc, argv, &job) && job.script)
		return be_script(&self, &job);
	if (job_read(argc, argv, &self.job))
		return be_module(&self);
	return fail("called by `ward selftest` alone");
}
