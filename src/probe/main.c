/* ward-probe: tries, from inside a box, what must not be possible, and tells. It believes nothing and
 * changes nothing: the markers it looks for are named on its command line.
 *
 *   ward-probe [name=value...] [only=ID]... [fork=no]
 *   ward-probe rights     tells by its exit status whether exec gave it rights, and does nothing else
 *   ward-probe list */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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
	bool in_process;        /* no second process: a policy with one process, tried one box at a time */
};

struct one {
	const struct scene *scene;
	const struct attempt_row *row;
};

static bool has_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	syscall(SYS_capget, &head, data);
	return geteuid() != getuid() || getegid() != getgid() || data[0].permitted || data[1].permitted;
}

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
	tell(line, snprintf(line, sizeof(line), "P %s %s %d %s\n", row->id, outcome_name(outcome->kind),
			    outcome->sys, detail));
}

static struct outcome attempt_run(void *at)
{
	const struct one *const one = at;

	/* A hanging attempt is no answer, so its end must not look like one: see killed_by(). */
	alarm(one->row->how & HOW_ALONE ? 30 : 5);
	return functions[attempt_index(one->row)](one->scene, one->row);
}

static void attempt_make(const struct probe *probe, const struct attempt_row *row)
{
	struct one one = { &probe->scene, row };
	char line[128];

	tell(line, snprintf(line, sizeof(line), "S %s\n", row->id));
	const struct outcome outcome = probe->in_process ? attempt_run(&one) : spawn_call(attempt_run, &one);

	tell_outcome(row, &outcome);
}

static bool is_wanted(const struct probe *probe, const struct attempt_row *row)
{
	for (size_t i = 0; i < probe->n_only; i++)
		if (!strcmp(probe->only[i], row->id) ||
		    !strcmp(probe->only[i], attempt_group_name((enum attempt_group)row->group)))
			return true;
	return !probe->n_only && !(row->how & HOW_ALONE);
}

static bool argument_take(struct probe *probe, const char *argument)
{
	if (!strcmp(argument, "fork=no")) {
		probe->in_process = true;
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

		printf("%-12s %-20s %s\n", attempt_group_name((enum attempt_group)row->group), row->id, row->what);
	}
	return 0;
}

int main(int argc, char **argv)
{
	/* A set-user-ID copy of this program exists while the selftest runs: it must be good for nothing else. */
	if (getauxval(AT_SECURE) || (argc > 1 && !strcmp(argv[1], "rights")))
		return has_rights() ? SPAWN_GAINED : SPAWN_PLAIN;
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	struct probe probe = { .n_only = 0 };
	char line[64];
	int n = 0;

	scene_look(&probe.scene);
	for (int i = 1; i < argc; i++)
		if (!argument_take(&probe, argv[i])) {
			fprintf(stderr, "ward-probe: unknown argument %s\n", argv[i]);
			return 2;
		}
	for (size_t i = 0; i < attempt_count(); i++)
		if (is_wanted(&probe, attempt_at(i))) {
			attempt_make(&probe, attempt_at(i));
			n++;
		}
	tell(line, snprintf(line, sizeof(line), "E %d\n", n));
	return 0;
}
