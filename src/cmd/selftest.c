/* `ward selftest`: runs ward-probe inside boxes of a policy and shows what held. The one place
 * where a layer is taken out of a plan. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "boundary/boundary.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/compose.h"
#include "cmd/host.h"
#include "cmd/markers.h"
#include "cmd/say.h"
#include "cmd/selftest_box.h"
#include "cmd/selftest_engine.h"
#include "judge/selftest_show.h"

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

/* Without the engine: what native code in its place could do is known already. */
static void add_engine_column(struct selftest *self)
{
	struct selftest_report *const report = &self->report;
	struct selftest_column *const column = &report->columns[report->n_columns++];

	column->layer = GUARD_ENGINE;
	selftest_pass_init(&column->pass);
	for (size_t i = 0; i < attempt_count(); i++)
		if (attempt_is_native(attempt_at(i)))
			column->pass.records[i] = report->pass.records[i];
}

static int add_column(struct selftest *self, enum layer layer, struct err *e)
{
	struct selftest_report *const report = &self->report;
	struct selftest_column *const column = &report->columns[report->n_columns++];
	struct result result = { .ended_by_user = false };

	if (isatty(STDERR_FILENO))
		say(SAY_NOTE, "without %s", selftest_guard_name(layer));
	column->layer = layer;
	if (selftest_pass_make(self, &column->pass, layer, &result, &column->why) == 0)
		return 0;
	selftest_pass_done(&column->pass);
	if (!result.ended_by_user)
		return 0;
	*e = column->why;
	return -1;
}

static int make_matrix(struct selftest *self, struct err *e)
{
	self->report.columns = mem_alloc((LAYERS + 3) * sizeof(*self->report.columns));
	self->policy.require = 0; /* or no box would run without a layer it names */
	if (self->kind)
		add_engine_column(self);
	if (self->kind && add_column(self, GUARD_SEAL, e) < 0)
		return -1;
	if (self->report.scope.has_kernel && add_column(self, GUARD_GVISOR, e) < 0)
		return -1;
	for (unsigned layer = 0; layer < LAYERS; layer++)
		if ((self->report.scope.layers & LAYER_BIT(layer)) && add_column(self, (enum layer)layer, e) < 0)
			return -1;
	return 0;
}

/* A first box: does it run at all, under which boundary, with which layers? */
static int look_at_box(struct selftest *self, struct err *e)
{
	static const char *const control[] = { "only=can-getpid", "fork=no" };
	const struct selftest_asked asked = { control, ARRAY_SIZE(control), false, LAYERS };
	struct selftest_report *const report = &self->report;
	struct selftest_pass pass = SELFTEST_PASS_NONE;
	struct result result;

	self->is_process = true; /* until we know: nothing is told of scratch space */
	selftest_pass_init(&pass);
	const int status = selftest_ask_box(self, &pass, &asked, &result, e);

	selftest_pass_done(&pass);
	if (status < 0 || selftest_check_ran(&result, e) < 0)
		return -1;
	const bool has_kernel = boundary_find(result.boundary)->has_kernel;

	self->is_process = !boundary_find(result.boundary)->has_mounts;
	report->boundary = result.boundary;
	report->policy_name = self->source;
	report->scope = (struct selftest_scope){
		.policy = self->kind ? &self->of_engine : &self->policy,
		.claimant = (self->is_process ? CLAIM_PROCESS : CLAIM_CONTAINER) | (self->kind ? self->kind->claim : 0) |
			    (has_kernel ? CLAIM_GVISOR : 0),
		.layers = result.layers,
		.notes = result.notes,
		.has_kernel = has_kernel,
		.has_engine = self->kind != NULL,
	};
	return 0;
}

static int make_report(struct selftest *self, bool matrix, struct err *e)
{
	struct result result;

	if (look_at_box(self, e) < 0 || selftest_pass_make(self, &self->report.pass, LAYERS, &result, e) < 0)
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
	if (markers_set_out(&self->policy, probe, &self->markers, e) < 0 || selftest_engine_set_out(self, e) < 0 ||
	    selftest_prepare_policy(self, e) < 0)
		return -1;
	if (self->kind && selftest_engine_look(self, e) < 0)
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
	    selftest_engine_find(&self, e) < 0) {
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
