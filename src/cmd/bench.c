/* `ward bench`: what each boundary that works here costs, beside the program alone. Launchers take turns in
 * batches, so that a busy moment hits each. bench/launch compares with other launchers; this is for
 * `ward advise`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loop.h"
#include "boundary/boundary.h"
#include "cmd/bench_file.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/host.h"
#include "cmd/processes.h"
#include "cmd/say.h"
#include "model/policy_value.h"

enum { LAUNCHES = 200, BATCH = 10, WARM_UP = 2, IDLE_BOXES = 8, WORDS = 12 };
#define LAUNCHES_BOUNDS "10..100000"

enum bench_id { BENCH_OUT, BENCH_LAUNCHES, BENCH_JSON };
static const struct opt options[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_VALUE, .arg = "FILE|none", .group = "Output",
	  .words = OPT_PATHS, .id = BENCH_OUT,
	  .help = "where to leave the figures; default: $XDG_STATE_HOME/ward/bench.json or "
		  "~/.local/state/ward/bench.json, where `ward advise` looks" },
	{ .name = "json", .group = "Output", .id = BENCH_JSON, .help = "print what goes into the file" },
	{ .name = "launches", .letter = 'n', .kind = OPT_VALUE, .arg = "N", .group = "Measuring",
	  .id = BENCH_LAUNCHES, .help = "timed launches of each (200)" },
	COMMAND_HELP,
};

/* One way of starting the program. */
struct launcher {
	const char *name;
	const char *words[WORDS];       /* the program's follow */
	struct figure *figure;
	uint64_t *durations;
	size_t n;
};

struct bench {
	struct figures figures;
	struct launcher launchers[1 + STRENGTH_BOUNDARIES];
	size_t n_launchers, launches;
	const char *ward;
	struct arena arena;
};

static void bench_done(struct bench *bench)
{
	for (size_t i = 0; i < bench->n_launchers; i++)
		free(bench->launchers[i].durations);
	figures_done(&bench->figures);
	arena_done(&bench->arena);
}

static struct launcher *add_launcher(struct bench *bench, const char *name, struct figure *figure)
{
	struct launcher *const launcher = &bench->launchers[bench->n_launchers++];

	*launcher = (struct launcher){ .name = name, .figure = figure };
	launcher->durations = mem_alloc(bench->launches * sizeof(*launcher->durations));
	return launcher;
}

/* The boundaries that this host can run; what cannot run is left out, and advise says why. */
static int add_launchers(struct bench *bench, struct err *e)
{
	struct host host;
	const char *socket;

	if (host_look(NULL, &host, &socket, e) < 0)
		return -1;
	add_launcher(bench, "spawn", &bench->figures.spawn);
	for (size_t i = 0; boundary_at(i); i++) {
		const char *const name = boundary_at(i)->name;
		const int boundary = strength_find(name);
		struct err why = ERR_INIT;

		/* What is started is a program of the host's, and no module. */
		if (boundary < 0 || boundary_at(i)->reads_program || boundary_at(i)->probe(&host, &why) < 0)
			continue;
		struct launcher *const launcher = add_launcher(bench, name, &bench->figures.boundaries[boundary]);
		const char *const words[] = { bench->ward, "run", "-q", "-p", "default", "-b", name, "--" };

		memcpy(launcher->words, words, sizeof(words));
	}
	return 0;
}

/* Starts the launcher with a program; all streams are /dev/null. Returns the pid or -1. */
static int start(const struct launcher *launcher, const char *const *program, struct err *e)
{
	const char *argv[WORDS + 4];
	posix_spawn_file_actions_t actions;
	size_t n = 0;
	pid_t pid = -1;
	int rc;

	while (launcher->words[n]) {
		argv[n] = launcher->words[n];
		n++;
	}
	for (; *program; program++)
		argv[n++] = *program;
	argv[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (!rc)
		return pid;
	errno = rc;
	return err_sys(e, "%.100s", argv[0]);
}

static int reap(const struct launcher *launcher, int pid, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, ERR_SYSTEM, "a launch by %s failed (%s %d); `ward run -b %s -- /bin/true` says why",
		       launcher->name, WIFEXITED(status) ? "exit" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), launcher->name);
}

static const char *const nothing[] = { "/bin/true", NULL };

static int launch(const struct launcher *launcher, uint64_t *us, struct err *e)
{
	const uint64_t begun = loop_now_us();
	const int pid = start(launcher, nothing, e);

	if (pid < 0 || reap(launcher, pid, e) < 0)
		return -1;
	*us = loop_now_us() - begun;
	return 0;
}

/* All launchers in turn, a batch each, and the first of each round is another one. */
static int measure_starts(struct bench *bench, struct err *e)
{
	for (size_t round = 0; bench->launchers[0].n < bench->launches; round++)
		for (size_t k = 0; k < bench->n_launchers; k++) {
			struct launcher *const launcher = &bench->launchers[(k + round) % bench->n_launchers];
			uint64_t us;

			for (int i = 0; i < WARM_UP; i++)
				if (launch(launcher, &us, e) < 0)
					return -1;
			for (int i = 0; i < BATCH && launcher->n < bench->launches; i++)
				if (launch(launcher, &launcher->durations[launcher->n], e) < 0)
					return -1;
				else
					launcher->n++;
		}
	return 0;
}

/* As many launches at once as there are processors. */
static int measure_rate(const struct bench *bench, const struct launcher *launcher, struct err *e)
{
	enum { AT_ONCE = 64 };
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	const size_t at_once = processors < 1 ? 1 : processors > AT_ONCE ? AT_ONCE : (size_t)processors;
	const uint64_t begun = loop_now_us();
	int pids[AT_ONCE];
	size_t begun_n = 0, done = 0;
	int rc = 0;

	for (; rc == 0 && begun_n < at_once; begun_n++)
		rc = (pids[begun_n] = start(launcher, nothing, e)) < 0 ? -1 : 0;
	for (; done < begun_n; done++) {
		if (pids[done % at_once] < 0 || reap(launcher, pids[done % at_once], e) < 0)
			rc = -1;
		if (rc == 0 && begun_n < bench->launches) {
			pids[begun_n % at_once] = start(launcher, nothing, e);
			begun_n++;
		}
	}
	launcher->figure->rate_milli = done * UINT64_C(1000000000) / (loop_now_us() - begun + 1);
	return rc;
}

/* Boxes that sleep; they end by themselves should this process be killed. */
static int measure_memory(const struct launcher *launcher, struct err *e)
{
	static const char *const sleeper[] = { "/bin/sleep", "30", NULL };
	int pids[IDLE_BOXES];
	size_t n = 0;
	uint64_t bytes = 0, box;
	int rc = 0;

	for (; rc == 0 && n < IDLE_BOXES; n++)
		rc = (pids[n] = start(launcher, sleeper, e)) < 0 ? -1 : 0;
	n -= rc < 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = processes_wait_for(pids[i], "sleep", e) < 0 ? err_add(e, "%s", launcher->name) : 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		box = processes_memory(pids[i]);
		bytes = i && !bytes ? 0 : box ? bytes + box : 0;
	}
	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	for (size_t i = 0; i < n; i++)
		while (waitpid(pids[i], NULL, 0) < 0 && errno == EINTR)
			;
	launcher->figure->idle_bytes = bytes / IDLE_BOXES;
	return rc;
}

static int measure(struct bench *bench, struct err *e)
{
	if (measure_starts(bench, e) < 0)
		return -1;
	for (size_t i = 0; i < bench->n_launchers; i++) {
		struct launcher *const launcher = &bench->launchers[i];
		struct figure *const figure = launcher->figure;

		figure->kind = FIGURE_MEASURED;
		figure->launches = launcher->n;
		figure->start_p50_us = figures_percentile(launcher->durations, launcher->n, 50);
		figure->start_p99_us = figures_percentile(launcher->durations, launcher->n, 99);
		if (measure_rate(bench, launcher, e) < 0 || measure_memory(launcher, e) < 0)
			return -1;
	}
	return 0;
}

static void write_text(const struct bench *bench, struct str *out)
{
	enum { P50 = 13, P99 = 25, RATIO = 37, RATE = 47, IDLE = 60 };
	const uint64_t alone = bench->figures.spawn.start_p50_us;

	str_addf(out, "%s\n%zu launches of /bin/true each, %d idle boxes of sleep\n\n", bench->figures.host,
		 bench->launches, IDLE_BOXES);
	str_add(out, "             start p50   start p99   to spawn  launches/s   idle box\n");
	for (size_t i = 0; i < bench->n_launchers; i++) {
		const struct figure *const figure = bench->launchers[i].figure;

		str_add(out, bench->launchers[i].name);
		str_pad(out, P50);
		figures_time(figure->start_p50_us, out);
		str_pad(out, P99);
		figures_time(figure->start_p99_us, out);
		str_pad(out, RATIO);
		str_addf(out, "%.1fx", (double)figure->start_p50_us / (double)(alone ? alone : 1));
		str_pad(out, RATE);
		str_addf(out, "%" PRIu64, figure->rate_milli / 1000);
		str_pad(out, IDLE);
		figures_memory(figure->idle_bytes, out);
		str_add(out, "\n");
	}
}

static int report(const struct bench *bench, const struct args *args, struct err *e)
{
	const struct opt_hit *const out = args_find(args, BENCH_OUT);
	OWN(arena) arena = { .blocks = NULL };
	const char *const path = out ? out->value : bench_path(&arena);
	OWN(str) text = STR_NONE;

	if (path && strcmp(path, "none") != 0 && bench_write(path, &bench->figures, e) < 0)
		return -1;
	if (args_has(args, BENCH_JSON)) {
		figures_json(&bench->figures, &text);
	} else {
		write_text(bench, &text);
		if (path && strcmp(path, "none") != 0)
			str_addf(&text, "\nleft in %s\n", path);
	}
	return say_out(STDOUT_FILENO, "standard output", &text, e);
}

static int prepare(struct bench *bench, const struct args *args, struct err *e)
{
	const struct opt_hit *const launches = args_find(args, BENCH_LAUNCHES);
	uint64_t n = LAUNCHES;

	if (args->n_operands)
		return err_set(e, ERR_USAGE, "`ward bench` takes no arguments, found '%.40s'", args->operands[0]);
	if (launches && policy_value_parse(KEY_COUNT, LAUNCHES_BOUNDS, launches->value, &n, e) < 0)
		return err_add(e, "--launches");
	if (beside_find("ward", &bench->arena, &bench->ward, e) < 0)
		return -1;
	bench->launches = n;
	bench->figures.host = bench_host(&bench->figures.arena);
	return add_launchers(bench, e);
}

int command_bench_run(struct args *args, struct err *e)
{
	OWN(bench) bench = { .n_launchers = 0 };

	if (prepare(&bench, args, e) < 0)
		return -1;
	if (measure(&bench, e) < 0 || report(&bench, args, e) < 0) {
		say(SAY_ERROR, "%s", e->text);
		return CODE_FINDINGS;
	}
	return 0;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "measure what each boundary costs on this host",
	.usage = "[option]...",
	.about = "Launches /bin/true under each boundary that works here and without one, in turns, and boxes that "
		 "sleep; prints start-up, launches a second and memory, and leaves the figures for `ward advise`. It takes "
		 "some seconds and is no test: nothing is a pass or a failure. The exit code is 0 when everything could "
		 "be measured, 1 when a launch failed, 2 for wrong usage.",
	.options = options,
	.trouble = CODE_USAGE,
};
