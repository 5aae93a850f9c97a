/* The way of a run: options to policy to plan to box to exit code. Each step is another file's. */
#include "cmd/running.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "cmd/environment.h"
#include "cmd/host.h"
#include "cmd/say.h"
#include "engine/event.h"
#include "engine/observe.h"
#include "engine/run.h"
#include "engine/terminal.h"
#include "judge/nest.h"
#include "model/policy_explain.h"

void running_done(struct running *run)
{
	mon_close(&run->box);
	openings_done(&run->openings);
	fit_done(&run->fit);
	arena_done(&run->arena);
	policy_done(&run->policy);
	run_options_done(&run->options);
}

static bool wants_terminal(const struct running *run)
{
	const uint64_t terminal = policy_n(&run->policy, KEY_TERMINAL);

	if (terminal == TERMINAL_PTY)
		return true;
	return terminal == TERMINAL_AUTO && run->options.in_fd >= 0 && run->options.out_fd >= 0 &&
	       isatty(run->options.in_fd) && isatty(run->options.out_fd);
}

static void fill_payload(struct running *run, const struct args *args)
{
	const bool pty = wants_terminal(run);

	run->payload = (struct payload){
		.argv = (const char *const *)args->operands,
		.envp = environment_make(&run->policy, environ, pty, &run->arena),
		.pass_numbers = run->policy.pass_fds,
		.n_pass = run->policy.n_pass,
		.is_plugin = run->options.is_plugin,
		.pty = pty,
		.pty_size = pty ? terminal_size(run->options.in_fd, run->options.out_fd) : 0,
		.guest = run->options.requests ? GUEST_REQUESTS : GUEST_PROGRAM,
		.observed = run->record != NULL,
	};
}

static int check_requests(const struct running *run, struct err *e)
{
	if (!run->options.requests || policy_n(&run->policy, KEY_BOUNDARY) == BOUNDARY_JS)
		return 0;
	return err_set(e, ERR_USAGE, "--requests: only a script answers requests; add --boundary=js");
}

/* The other weaknesses are notes of the result, which -v prints. */
static void say_fallback(const struct running *run)
{
	if (run->fit.fell.kind != ERR_NONE && !run->options.quiet)
		say(SAY_NOTE, "running under boundary %s, the policy's fallback, because: %s",
		    run->fit.boundary->name, run->fit.fell.text);
}

/* What will be done to the kernel; and behind it what an engine does inside. */
static void show_plan(const struct plan *plan, struct str *text)
{
	OWN(arena) arena = { .blocks = NULL };
	struct nest nest;

	plan_text(plan, text);
	nest_read(plan, &arena, &nest);
	nest_text(&nest, text);
}

/* --explain and --dry-run. The product of a dry run goes to standard output; of a run, never. */
static int show(const struct running *run, struct err *e)
{
	const bool dry_run = run->options.dry_run;
	OWN(str) text = STR_NONE;

	if (run->options.explain)
		policy_explain(&run->policy, &text);
	if (dry_run)
		show_plan(run->fit.plan, &text);
	if (!text.len)
		return 0;
	return dry_run ? say_out(STDOUT_FILENO, "standard output", &text, e) :
			 say_out(STDERR_FILENO, "standard error", &text, e);
}

/* A boundary on the command line that has no network of its own. */
static bool names_bare(const struct args *args)
{
	for (size_t i = 0; i < args->n_hits; i++)
		if (args->hits[i].opt->id == KEY_BOUNDARY) {
			const struct boundary *const boundary = boundary_find(args->hits[i].value);

			if (boundary && !boundary->has_mounts)
				return true;
		}
	return false;
}

int running_prepare(struct running *run, struct args *args, struct err *e)
{
	if (run_options_read(args, &run->options, e) < 0)
		return -1;
	/* It makes its network namespace while we read the policy. */
	if (!run->options.dry_run && mon_start(&run->box, names_bare(args) ? 0 : MON_NETWORK, -1, e) < 0)
		return -1;
	if (!run->source && compose_policy(args, &run->policy, &run->source, e) < 0)
		return -1;
	run->result.policy_name = policy_text(&run->policy, KEY_NAME);
	run->result.policy_source = run->source;
	if (check_requests(run, e) < 0)
		return -1;
	/* A box that is traced is of a keeper of our own: only what descends from us may be watched. */
	if (host_look(run->record ? "none" : run->options.monitor, &run->host, &run->socket, e) < 0)
		return -1;
	fill_payload(run, args);
	if (fit_make(&run->policy, &run->payload, &run->host, &run->fit, e) < 0)
		return -1;
	run->result.boundary = run->fit.boundary->name;
	run->result.boundary_why = *run->fit.why ? run->fit.why : NULL;
	say_fallback(run);
	if (show(run, e) < 0)
		return -1;
	return run->options.dry_run ? 0 : openings_open(&run->fit.rung, &run->openings, e);
}

/* What only led up to the box goes once it runs, which may be for days. */
static void shed(void *at)
{
	struct running *const run = at;

	openings_done(&run->openings);
	plan_free(TAKE_PTR(run->fit.plan));
	mem_trim();
}

/* Its limits of time are each request's: the engine has them, the box has none. */
static struct policy timeless(const struct policy *policy)
{
	struct policy copy = *policy;

	copy.values[KEY_CPU] = copy.values[KEY_WALL] = (struct policy_value){ .set = false };
	return copy;
}

static void start(struct running *run, struct observer *observer)
{
	const struct policy of_requests = timeless(&run->policy);
	const struct run_request request = {
		.policy = run->options.requests ? &of_requests : &run->policy,
		.filter = &run->fit.rung.filter,
		.plan = run->fit.plan,
		.fds = run->openings.fds,
		.n_fds = run->openings.n,
		.monitor_socket = run->socket,
		.box = &run->box,
		.pty = run->payload.pty,
		.in_fd = run->options.in_fd,
		.out_fd = run->options.out_fd,
		.err_fd = run->options.err_fd,
		.observer = observer,
		.status_fd = run->options.status_fd,
		.begun = shed,
		.begun_at = run,
		.confine = true,
	};
	struct result result = { .exit_code = -1 };

	run_box(&request, &result);
	result.policy_name = run->result.policy_name;
	result.policy_source = run->result.policy_source;
	result.boundary = run->result.boundary;
	result.boundary_why = run->result.boundary_why;
	result.notes |= run->fit.rung.notes;
	if (result.stage == STAGE_EXEC)
		err_add(&result.err, "%.100s", run->payload.argv[0]);
	run->result = result;
}

void running_start(struct running *run)
{
	struct observer *observer = NULL;

	if (run->record && observe_new(&run->fit.rung.filter, run->record, true, &observer, &run->result.err) < 0)
		return;
	start(run, observer);
	if (observer)
		observe_finish(observer);
	observe_free(observer);
}

/* True when the code is ward's word and not the program's. */
static bool is_own_code(const struct result *result, int code)
{
	if (code < CODE_STOPPED || code > CODE_NOT_FOUND)
		return false;
	return result->stage != STAGE_RUN ||
	       (result->verdict != VERDICT_OK && result->verdict != VERDICT_NONZERO);
}

static int write_result(const struct running *run, struct err *e)
{
	OWN(str) text = STR_NONE;

	if (run->options.result_fd < 0)
		return 0;
	if (run->options.isolate)
		result_isolate(&run->result, &text);
	else
		result_json(&run->result, &text);
	return say_out(run->options.result_fd, run->options.result_name, &text, e);
}

/* From here on a reader that is gone is an errno, not an end: nothing is started any more that
 * would inherit this. */
static void outlive_readers(void)
{
	signal(SIGPIPE, SIG_IGN);
}

/* The result file, then the last event: the same result. */
static int tell_result(struct running *run, const struct args *args)
{
	struct err e = ERR_INIT;

	if (write_result(run, &e) < 0) {
		/* Also when the program ran: its caller relies on a result that is not there. */
		say(SAY_ERROR, "--result: %s", e.text);
		run->result.ward_code = args->own_codes + CODE_SETUP - CODE_STOPPED;
	}
	event_ended(run->options.status_fd, &run->result);
	return run->result.ward_code;
}

int running_report(struct running *run, const struct args *args)
{
	OWN(str) text = STR_NONE;
	int code = result_exit_code(&run->result);

	if (is_own_code(&run->result, code))
		code += args->own_codes - CODE_STOPPED;
	run->result.ward_code = code;
	outlive_readers();
	if (!run->options.quiet || run->result.err.kind != ERR_NONE)
		result_text(&run->result, run->options.verbose, &text);
	say_lines(run->result.err.kind != ERR_NONE ? SAY_ERROR : SAY_NOTE, str_text(&text));
	return tell_result(run, args);
}

int running_fail(struct running *run, const struct args *args, const struct err *e)
{
	outlive_readers();
	run->result.err = *e;
	run->result.ward_code = args->own_codes + CODE_SETUP - CODE_STOPPED;
	(void)tell_result(run, args);
	return -1;
}
