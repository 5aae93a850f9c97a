/* `ward selftest`: runs ward-probe inside boxes of a policy and shows what held. The one place
 * where a layer is taken out of a plan. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "boundary/boundary.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/compose.h"
#include "cmd/host.h"
#include "cmd/launch.h"
#include "cmd/markers.h"
#include "cmd/say.h"
#include "judge/selftest.h"

enum selftest_id { SELFTEST_MATRIX = COMPOSE_IDS, SELFTEST_JSON, SELFTEST_ONLY, SELFTEST_MONITOR };
static const struct opt options[] = {
	COMPOSE_ROW_POLICY,
	COMPOSE_ROW_BOUNDARY,
	COMPOSE_ROW_SET,
	COMPOSE_ROW_WIDEN,
	COMPOSE_ROW_BEST_EFFORT,
	{ .name = "monitor",
	  .kind = OPT_VALUE,
	  .arg = "SOCKET|none",
	  .group = "Policy",
	  .words = OPT_PATHS,
	  .id = SELFTEST_MONITOR,
	  .help = "as for `ward run`" },
	{ .name = "matrix",
	  .group = "Selftest",
	  .id = SELFTEST_MATRIX,
	  .help = "repeat it with each layer taken away in turn" },
	{ .name = "only",
	  .kind = OPT_VALUE,
	  .arg = "ID|GROUP",
	  .group = "Selftest",
	  .id = SELFTEST_ONLY,
	  .help = "these operations only; may be given several times" },
	{ .name = "json", .group = "Selftest", .id = SELFTEST_JSON, .help = "as one JSON object" },
	COMMAND_HELP,
};

struct selftest {
	struct policy policy;
	const char *source, *socket;
	struct host host;
	struct markers markers;
	struct arena arena;
	bool *selected;  /* of each attempt */
	uint64_t cpu_ms; /* the policy's own limit: only rows about it get it */
	bool is_process; /* no mounts: no scratch space, no terminal */
	struct selftest_report report;
};

static void selftest_done(struct selftest *self)
{
	selftest_report_done(&self->report);
	markers_done(&self->markers);
	free(self->selected);
	arena_done(&self->arena);
	policy_done(&self->policy);
}

static int select_rows(struct selftest *self, const struct args *args, struct err *e)
{
	self->selected = mem_alloc(attempt_count() * sizeof(*self->selected));
	if (!args_has(args, SELFTEST_ONLY))
		memset(self->selected, true, attempt_count() * sizeof(*self->selected));
	for (size_t k = 0; k < args->n_hits; k++) {
		const char *const wanted = args->hits[k].value;
		struct str_near near = STR_NEAR(wanted);
		bool found = false;

		if (args->hits[k].opt->id != SELFTEST_ONLY)
			continue;
		for (size_t i = 0; i < attempt_count(); i++) {
			const struct attempt_row *const row = attempt_at(i);
			const char *const group =
				attempt_group_name((enum attempt_group)row->group);
			const bool fits = !strcmp(row->id, wanted) || !strcmp(group, wanted);

			str_near_offer(&near, row->id);
			str_near_offer(&near, group);
			self->selected[i] |= fits;
			found |= fits;
		}
		if (!found && str_near_best(&near))
			return err_set(e, ERR_USAGE,
				       "--only: no operation or group '%.40s' (did you mean '%s'?)",
				       wanted, str_near_best(&near));
		if (!found)
			return err_set(e, ERR_USAGE,
				       "--only: no operation or group '%.40s'; `ward-probe list` "
				       "shows them",
				       wanted);
	}
	return 0;
}

static void set_limit(struct policy *policy, enum policy_key key, uint64_t n)
{
	policy->values[key].n = n;
	policy->values[key].set = true;
}

static void lower(struct policy *policy, enum policy_key key, uint64_t most)
{
	if (policy->values[key].set && policy->values[key].n > most)
		policy->values[key].n = most;
}

/* The policy under test plus the probe itself. Time and output are not what most rows are about. */
static int prepare_policy(struct selftest *self, struct err *e)
{
	enum { WALL_MS = 60000, CPU_MS = 50000 };
	const struct origin origin = { .source = "selftest" };
	const char *const programs[] = { self->markers.probe, self->markers.suid,
					 self->markers.filecap };
	struct policy *const policy = &self->policy;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (programs[i] && policy_grant(policy, GRANT_EXEC, programs[i], origin, e) < 0)
			return -1;
	if (policy_grant(policy, GRANT_READ, self->markers.readable, origin, e) < 0)
		return -1;
	self->cpu_ms = policy->values[KEY_CPU].set ? policy_n(policy, KEY_CPU) : 0;
	if (self->cpu_ms)
		set_limit(policy, KEY_CPU, CPU_MS);
	set_limit(policy, KEY_WALL, WALL_MS);
	set_limit(policy, KEY_OUTPUT, LAUNCH_OUTPUT);
	return 0;
}

/* Smaller limits show the same and cost less. */
static void lower_limits(struct policy *policy, const struct attempt_row *row, uint64_t cpu_ms)
{
	enum { MIB = 1 << 20 };

	switch (row->need) {
	case NEED_MEMORY:
		lower(policy, KEY_MEMORY, 64 * MIB);
		break;
	case NEED_PIDS:
		lower(policy, KEY_PIDS, 16);
		break;
	case NEED_CPU:
		set_limit(policy, KEY_CPU, cpu_ms && cpu_ms < 1000 ? cpu_ms : 1000);
		break;
	case NEED_DISK:
	case NEED_INODES:
		for (size_t i = 0; i < policy->n_grants; i++)
			if (policy->grants[i].kind == GRANT_SCRATCH) {
				policy->grants[i].size = 8 * MIB;
				policy->grants[i].inodes = 1024;
			}
		break;
	default:
		break;
	}
}

static const struct grant *first_scratch(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_SCRATCH)
			return &policy->grants[i];
	return NULL;
}

static const char *limit_text(struct arena *arena, const char *name, uint64_t n)
{
	return arena_printf(arena, "%s=%llu", name, (unsigned long long)n);
}

/* What the policy grants and limits, as ward-probe's arguments. */
static size_t describe_policy(const struct selftest *self, struct arena *arena, const char **argv)
{
	const struct policy *const policy = &self->policy;
	static const struct {
		enum policy_key key;
		const char *name;
	} limits[] = {
		{ KEY_MEMORY, "memory" }, { KEY_PIDS, "pids" },   { KEY_CPU, "cpu_ms" },
		{ KEY_FILES, "files" },   { KEY_FSIZE, "fsize" },
	};
	const struct grant *const scratch = first_scratch(policy);
	uint64_t passed = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (policy->values[limits[i].key].set)
			argv[n++] =
				limit_text(arena, limits[i].name, policy_n(policy, limits[i].key));
	if (scratch && !self->is_process) {
		argv[n++] = arena_printf(arena, "scratch=%s", scratch->as);
		argv[n++] = limit_text(arena, "disk",
				       scratch->size ? scratch->size : policy_n(policy, KEY_DISK));
		argv[n++] = limit_text(arena, "inodes",
				       scratch->inodes ? scratch->inodes :
							 policy_n(policy, KEY_INODES));
	}
	for (size_t i = 0; i < policy->n_pass; i++)
		if (policy->pass_fds[i] < 63)
			passed |= UINT64_C(1) << policy->pass_fds[i];
	argv[n++] = limit_text(arena, "passed", passed);
	return n;
}

struct asked {
	const char *const *only; /* "only=ID" */
	size_t n;
	bool pty;
	enum layer without;
};

/* One box; its records go into the pass. */
static int ask_box(struct selftest *self, struct selftest_pass *pass, const struct asked *asked,
		   struct result *result, struct err *e)
{
	enum { FIXED = 64 };
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) output = STR_NONE;
	OWN_MEM const char **argv = mem_alloc((FIXED + asked->n) * sizeof(*argv));
	const struct launch launch = { .policy = &self->policy,
				       .host = &self->host,
				       .socket = self->socket,
				       .argv = argv,
				       .pty = asked->pty,
				       .without = asked->without };
	size_t n = 1;

	argv[0] = self->markers.probe;
	markers_describe(&self->markers, argv, &n, FIXED - 16);
	n += describe_policy(self, &arena, argv + n);
	for (size_t i = 0; i < asked->n; i++)
		argv[n++] = asked->only[i];
	/* Keepers end behind the result and come to us; dead ones count against a user's limit. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	self->host.tasks = 0; /* counted anew */
	if (launch_box(&launch, &output, result, e) < 0)
		return -1;
	if (result->ended_by_user)
		return err_set(e, ERR_SYSTEM, "ended by a signal");
	return selftest_read(pass, str_text(&output), output.len, e);
}

/* A process whose command line has the token, 0 when there is none. */
static int find_marked(const char *token)
{
	DIR *const dir = opendir("/proc");
	int found = 0;

	if (!dir)
		return 0;
	for (const struct dirent *entry; !found && (entry = readdir(dir));) {
		char path[300], line[4096];
		const int pid = atoi(entry->d_name);

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		OWN_FD int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		const ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line));

		if (len > 0 && memmem(line, (size_t)len, token, strlen(token)))
			found = pid;
	}
	closedir(dir);
	return found;
}

/* A box is torn down behind its result, in milliseconds; what lives on after a second was left
 * behind (and would end by itself after eight). */
static void watch(struct selftest *self, struct selftest_record *record)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int pid = find_marked(self->markers.token);

	for (int i = 0; pid && i < 50; i++) {
		nanosleep(&nap, NULL);
		pid = find_marked(self->markers.token);
	}
	if (record->kind == OUTCOME_ALLOWED) {
		record->kind = pid ? OUTCOME_ALLOWED : OUTCOME_REFUSED;
		snprintf(record->detail, sizeof(record->detail), "%s",
			 pid ? "a process outlived the box" : "gone with the box");
	}
	if (pid)
		kill(pid, SIGKILL);
}

/* A box for one attempt, with limits of its own, given back afterwards. */
static int try_alone(struct selftest *self, struct selftest_pass *pass, enum layer without,
		     const struct attempt_row *row, struct err *e)
{
	struct policy *const policy = &self->policy;
	const size_t grants_bytes = policy->n_grants * sizeof(*policy->grants);
	struct selftest_record *const record = &pass->records[attempt_index(row)];
	OWN_MEM struct grant *grants = mem_alloc(grants_bytes + 1);
	struct policy_value values[KEYS];
	struct result result;
	const char *const only[] = { arena_printf(&self->arena, "only=%s", row->id), "fork=no" };
	const struct asked asked = { only, ARRAY_SIZE(only),
				     (row->how & HOW_TERMINAL) && !self->is_process, without };
	int status = 0;

	memcpy(values, policy->values, sizeof(values));
	memcpy(grants, policy->grants, grants_bytes);
	lower_limits(policy, row, self->cpu_ms);
	for (int round = row->how & HOW_TWICE ? 2 : 1; round && status == 0; round--) {
		*record = (struct selftest_record){ .begun = false };
		status = ask_box(self, pass, &asked, &result, e);
	}
	memcpy(policy->values, values, sizeof(values));
	memcpy(policy->grants, grants, grants_bytes);
	if (status < 0)
		return -1;
	selftest_settle(pass, row, &result);
	if (row->how & HOW_WATCHED)
		watch(self, record);
	return 0;
}

/* Rows that may end their box, and (with a policy of one process, say) those the common box left
 * open. */
static bool needs_own_box(const struct selftest *self, const struct selftest_pass *pass,
			  enum layer without, const struct attempt_row *row)
{
	if (!self->selected[attempt_index(row)] ||
	    pass->records[attempt_index(row)].kind != OUTCOME_NONE)
		return false;
	return without == LAYERS || !(row->how & HOW_SLOW) || (row->layers & LAYER_BIT(without));
}

/* A box that was set up and in which the probe began. */
static int check_ran(const struct result *result, struct err *e)
{
	if (result->verdict == VERDICT_SETUP || result->verdict == VERDICT_INTERNAL) {
		*e = result->err;
		return -1;
	}
	if (result->stage == STAGE_EXEC)
		return err_set(e, ERR_SYSTEM, "ward-probe could not be executed in the box");
	return 0;
}

static int pass_make(struct selftest *self, struct selftest_pass *pass, enum layer without,
		     struct result *result, struct err *e)
{
	OWN_MEM const char **only = mem_alloc(attempt_count() * sizeof(*only));
	size_t n = 0;

	selftest_pass_init(pass);
	for (size_t i = 0; i < attempt_count(); i++)
		if (self->selected[i] && !(attempt_at(i)->how & HOW_ALONE))
			only[n++] = arena_printf(&self->arena, "only=%s", attempt_at(i)->id);
	const struct asked asked = { only, n, false, without };
	if (n && (ask_box(self, pass, &asked, result, e) < 0 || check_ran(result, e) < 0))
		return -1;
	for (size_t i = 0; i < attempt_count(); i++)
		if (needs_own_box(self, pass, without, attempt_at(i)) &&
		    try_alone(self, pass, without, attempt_at(i), e) < 0)
			return -1;
	return 0;
}

static int make_matrix(struct selftest *self, struct err *e)
{
	struct selftest_report *const report = &self->report;
	struct result result;

	report->columns = mem_alloc(LAYERS * sizeof(*report->columns));
	self->policy.require = 0; /* or no box would run without a layer it names */
	for (unsigned layer = 0; layer < LAYERS; layer++) {
		struct selftest_column *const column = &report->columns[report->n_columns];

		if (!(report->scope.layers & LAYER_BIT(layer)))
			continue;
		if (isatty(STDERR_FILENO))
			say(SAY_NOTE, "without %s", layer_name((enum layer)layer));
		column->layer = (enum layer)layer;
		report->n_columns++;
		if (pass_make(self, &column->pass, (enum layer)layer, &result, &column->why) == 0)
			continue;
		selftest_pass_done(&column->pass);
		if (result.ended_by_user) {
			*e = column->why;
			return -1;
		}
	}
	return 0;
}

/* A first box: does it run at all, under which boundary, with which layers? */
static int look_at_box(struct selftest *self, struct err *e)
{
	static const char *const control[] = { "only=can-getpid", "fork=no" };
	const struct asked asked = { control, ARRAY_SIZE(control), false, LAYERS };
	struct selftest_report *const report = &self->report;
	struct selftest_pass pass = SELFTEST_PASS_NONE;
	struct result result;

	self->is_process = true; /* until we know: nothing is told of scratch space */
	selftest_pass_init(&pass);
	const int status = ask_box(self, &pass, &asked, &result, e);

	selftest_pass_done(&pass);
	if (status < 0 || check_ran(&result, e) < 0)
		return -1;
	self->is_process = !boundary_find(result.boundary)->has_mounts;
	report->boundary = result.boundary;
	report->policy_name = self->source;
	report->scope = (struct selftest_scope){
		.policy = &self->policy,
		.claimant = self->is_process ? CLAIM_PROCESS : CLAIM_CONTAINER,
		.layers = result.layers,
		.notes = result.notes,
	};
	return 0;
}

static int make_report(struct selftest *self, bool matrix, struct err *e)
{
	struct result result;

	if (look_at_box(self, e) < 0 || pass_make(self, &self->report.pass, LAYERS, &result, e) < 0)
		return -1;
	return matrix ? make_matrix(self, e) : 0;
}

static int show(const struct selftest *self, const struct args *args, struct err *e)
{
	OWN(str) text = STR_NONE;

	if (args_has(args, SELFTEST_JSON))
		selftest_json(&self->report, &text);
	else
		selftest_text(&self->report, say_colour(STDOUT_FILENO), &text);
	return say_out(STDOUT_FILENO, "standard output", &text, e);
}

/* Everything that needs a session of its own. */
static int run_inside(struct selftest *self, const struct args *args, struct err *e)
{
	const char *probe = NULL;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_CHILD_SUBREAPER");
	if (beside_find("ward-probe", &self->arena, &probe, e) < 0)
		return -1;
	if (markers_set_out(&self->policy, probe, &self->markers, e) < 0 ||
	    prepare_policy(self, e) < 0)
		return -1;
	if (make_report(self, args_has(args, SELFTEST_MATRIX), e) < 0)
		return -1;
	return show(self, args, e) < 0 ? -1 : selftest_code(&self->report);
}

_Noreturn static void be_inside(struct selftest *self, const struct args *args)
{
	struct err e = ERR_INIT;
	int code = run_inside(self, args, &e);

	if (code < 0) {
		say(SAY_ERROR, "selftest: %s", e.text);
		code = CODE_SETUP;
	}
	selftest_done(self);
	_exit(code);
}

/* The user's terminal signals its foreground, which is us; the child left that session. */
static int wait_for(pid_t pid, const sigset_t *forwarded, struct err *e)
{
	for (;;) {
		int status, signal;

		signal = sigwaitinfo(forwarded, NULL);
		if (signal > 0 && signal != SIGCHLD)
			kill(pid, signal);
		const pid_t ended = waitpid(pid, &status, WNOHANG);
		if (ended < 0 && errno != EINTR)
			return err_sys(e, "waitpid");
		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_SETUP;
	}
}

/* The attempts are system calls: an engine's guest has none to make. */
static int check_native(const struct policy *policy, struct err *e)
{
	const struct boundary *boundary;
	char name[32];

	policy_format(policy, KEY_BOUNDARY, name, sizeof(name));
	boundary = boundary_find(name);
	if (!boundary || !boundary->reads_program)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "the attempts are system calls, and a guest of boundary %s can make none; what "
		       "stands around its engine is a container: use -b container", name);
}

int command_selftest_run(struct args *args, struct err *e)
{
	struct selftest self = { .policy = POLICY_NONE, .markers = MARKERS_NONE };
	const struct opt_hit *const monitor = args_find(args, SELFTEST_MONITOR);
	sigset_t forwarded, before;
	int code = -1;

	sigemptyset(&forwarded);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&forwarded, (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP }[i]);
	if (select_rows(&self, args, e) < 0 ||
	    compose_policy(args, &self.policy, &self.source, e) < 0) {
		selftest_done(&self);
		return -1;
	}
	if (host_look(monitor ? monitor->value : NULL, &self.host, &self.socket, e) < 0 ||
	    check_native(&self.policy, e) < 0) {
		say(SAY_ERROR, "%s", e->text);
		selftest_done(&self);
		return CODE_SETUP;
	}
	sigprocmask(SIG_BLOCK, &forwarded, &before);
	const pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		be_inside(&self, args);
	}
	code = pid < 0 ? err_sys(e, "fork") : wait_for(pid, &forwarded, e);
	sigprocmask(SIG_SETMASK, &before, NULL);
	selftest_done(&self);
	return code;
}

const struct command command_selftest = {
	.name = "selftest",
	.summary = "try from inside a box what must not be possible",
	.usage = "[option]...",
	.about = "Runs ward-probe in boxes of the policy and shows what was refused. The "
		 "operations are harmless: "
		 "they are made on markers that are set out first and taken away again, or with "
		 "arguments the "
		 "kernel refuses once it has checked the right. The exit code is 0 when nothing "
		 "forbidden was "
		 "possible, 1 otherwise, 2 for wrong usage, 125 when no box could be run. Only "
		 "here, and never "
		 "by a policy, is a layer taken away: --matrix shows which refusal hangs on which "
		 "layer.",
	.options = options,
	.trouble = CODE_USAGE,
};
