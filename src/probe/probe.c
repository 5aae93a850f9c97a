/* ward-probe: tries, from inside a box, what must not be possible, and tells. It believes nothing
 * and changes nothing: the markers it looks for are named on its command line.
 *
 *   ward-probe [name=value...] [only=ID]... [fork=no]
 *   ward-probe rights     tells by its exit status whether exec gave it rights, and does nothing
 * else ward-probe gain=ID    the same as a record, ran=ID: that it was executed at all ward-probe
 * list */
#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/attempts.h"
#include "probe/spawn.h"

typedef struct outcome (*try_fn)(const struct scene *scene, const struct attempt_row *row);

static const try_fn functions[] = {
#define ATTEMPT(function, ...) try_##function,
#include "probe/attempts.def"
#undef ATTEMPT
};

struct probe {
	struct scene scene;
	const char *only[512];
	size_t n_only;
	bool has_alarm; /* the policy lets a process set its clock */
};

struct one {
	const struct probe *probe;
	const struct attempt_row *row;
};

/* One write for one line: nothing is lost when the process is killed afterwards. */
static void tell(const char *line, int len)
{
	if (len > 0 && write(STDOUT_FILENO, line, (size_t)len) < 0)
		_exit(1);
}

static void tell_outcome(const struct attempt_row *row, const struct outcome *outcome)
{
	char line[256], detail[RECORD_DETAIL];

	snprintf(detail, sizeof(detail), "%s", outcome->detail[0] ? outcome->detail : "-");
	for (char *c = detail; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	tell(line, snprintf(line, sizeof(line), "P %s %s %d %s\n", row->id,
			    outcome_name(outcome->kind), outcome->sys, detail));
}

static struct outcome attempt_run(void *at)
{
	const struct one *const one = at;

	/* A hanging attempt is no answer, so its end must not look like one: see killed_by(). */
	if (one->probe->has_alarm)
		alarm(5);
	return functions[attempt_index(one->row)](&one->probe->scene, one->row);
}

static void attempt_make(const struct probe *probe, const struct attempt_row *row)
{
	struct one one = { probe, row };
	char line[128];

	tell(line, snprintf(line, sizeof(line), "S %s\n", row->id));
	const struct outcome outcome =
		probe->scene.in_process ? attempt_run(&one) : spawn_call(attempt_run, &one);

	tell_outcome(row, &outcome);
}

static struct outcome alarm_try(void *at)
{
	(void)at;
	alarm(0);
	return outcome_allowed("works");
}

/* Nothing is asked here that an attempt's own process could be killed for instead. */
static void children_prepare(struct probe *probe)
{
	probe->scene.first = getpid();
	probe->scene.parent = getppid();
	probe->has_alarm = spawn_call(alarm_try, NULL).kind == OUTCOME_ALLOWED;
}

static bool is_wanted(const struct probe *probe, const struct attempt_row *row)
{
	if (!attempt_is_native(row))
		return false;
	for (size_t i = 0; i < probe->n_only; i++)
		if (!strcmp(probe->only[i], row->id) ||
		    !strcmp(probe->only[i], attempt_group_name((enum attempt_group)row->group)))
			return true;
	return !probe->n_only && !(row->how & HOW_ALONE);
}

static bool argument_take(struct probe *probe, const char *argument)
{
	if (!strcmp(argument, "fork=no")) {
		probe->scene.in_process = true;
		return true;
	}
	if (!strncmp(argument, "only=", 5)) {
		if (probe->n_only == sizeof(probe->only) / sizeof(probe->only[0]))
			return false;
		probe->only[probe->n_only++] = argument + 5;
		return true;
	}
	return scene_set(&probe->scene, argument);
}

static int list(void)
{
	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);

		printf("%-12s %-20s %s\n", attempt_group_name((enum attempt_group)row->group),
		       row->id, row->what);
	}
	return 0;
}

/* Executed by an attempt. AT_SECURE is the kernel's word that this exec raised rights: ld.so(8). */
static bool was_executed(const char *word, int *code)
{
	const bool has_gained = getauxval(AT_SECURE) != 0;
	const char *const id = strchr(word, '=');
	const struct attempt_row *const row = id ? attempt_find(id + 1) : NULL;
	struct outcome outcome = outcome_allowed("it ran");

	*code = has_gained ? SPAWN_GAINED : SPAWN_PLAIN;
	if (!strncmp(word, "gain=", 5))
		outcome = outcome_state(has_gained, "rights gained by exec",
					"runs, and gains nothing");
	else if (strncmp(word, "ran=", 4) != 0)
		return !strcmp(word, "rights");
	if (row)
		tell_outcome(row, &outcome);
	return true;
}

int probe_main(int argc, char **argv)
{
	int code = 0;

	/* A set-user-ID copy of this program exists while the selftest runs: it must be good for
	 * nothing else. */
	if (was_executed(argc > 1 ? argv[1] : "", &code) || getauxval(AT_SECURE))
		return code;
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	struct probe probe = { .n_only = 0 };
	char line[64];
	int n = 0;

	for (int i = 1; i < argc; i++)
		if (!argument_take(&probe, argv[i])) {
			fprintf(stderr, "ward-probe: unknown argument %s\n", argv[i]);
			return 2;
		}
	if (!probe.scene.in_process)
		children_prepare(&probe);
	for (size_t i = 0; i < attempt_count(); i++)
		if (is_wanted(&probe, attempt_at(i))) {
			attempt_make(&probe, attempt_at(i));
			n++;
		}
	tell(line, snprintf(line, sizeof(line), "E %d\n", n));
	return 0;
}
