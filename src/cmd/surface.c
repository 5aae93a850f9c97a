/* `ward surface`: all that crosses a boundary, the most dangerous item first. Runs nothing. */
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/process_look.h"
#include "cmd/say.h"
#include "cmd/subject_find.h"
#include "judge/surface.h"

enum surface_id { SURFACE_ALL = FOUND_IDS, SURFACE_JSON, SURFACE_SVG, SURFACE_FAIL_ON };
static const struct opt options[] = {
	FOUND_ROWS,
	COMPOSE_ROWS_FILES,
	COMPOSE_ROW_PASS_FD,
	{ .name = "all", .letter = 'a', .group = "Output", .id = SURFACE_ALL,
	  .help = "list the quiet items and what is closed, too" },
	{ .name = "json", .group = "Output", .id = SURFACE_JSON, .help = "as one JSON object" },
	{ .name = "svg", .group = "Output", .id = SURFACE_SVG, .help = "as a drawing of the boundary" },
	{ .name = "fail-on", .kind = OPT_VALUE, .arg = "SEVERITY", .group = "Output",
	  .words = SEVERITY_WORDS, .id = SURFACE_FAIL_ON,
	  .help = "exit with 1 when something open is as severe as this, or worse" },
	COMMAND_HELP,
};

struct surveying {
	struct found found;
	struct place place;
	struct surface surface;
	struct regions *store;
	bool has_threshold;
	enum severity threshold;
};

static void surveying_done(struct surveying *s)
{
	surface_done(&s->surface);
	place_done(&s->place);
	found_done(&s->found);
	regions_free(s->store);
}

static int read_threshold(struct surveying *s, const struct args *args, struct err *e)
{
	const struct opt_hit *const hit = args_find(args, SURFACE_FAIL_ON);

	int severity;

	if (!hit)
		return 0;
	s->has_threshold = true;
	severity = severity_find(hit->value);
	if (severity > SEVERITY_NONE) {
		s->threshold = (enum severity)severity;
		return 0;
	}
	return err_set(e, ERR_USAGE, "--fail-on: unknown severity '%.40s'; write info, low, medium, high or critical",
		       hit->value);
}

/* The box that `ward run` would make, as far as it is known without running it. */
static void look_at_policy(struct surveying *s, const struct args *args)
{
	const struct found *const found = &s->found;
	struct arena *const arena = &s->place.arena;

	s->place.boundary = found->fit.boundary->name;
	s->place.name = args->n_operands ? arena_printf(arena, "`%s` under policy %s", args->operands[0],
							found->subject.name) :
					   arena_printf(arena, "policy %s", found->subject.name);
	place_from_plan(&s->place, found->fit.plan, found->subject.policy, &found->host, found->fit.rung.notes);
}

static int look_at_process(struct surveying *s, struct err *e)
{
	OWN(process_look) look = PROCESS_LOOK_NONE;

	if (process_look(s->found.pid, &look, e) < 0)
		return -1;
	place_from_process(&s->place, &look.facts);
	return 0;
}

/* A process whose filters may not be read back still has a place. */
static int look(struct surveying *s, const struct args *args, struct err *e)
{
	struct found *const found = &s->found;
	struct err why = ERR_INIT;
	int status = subject_find(args, NULL, found, &why);

	if (status < 0 && found->pid && why.kind != ERR_MISSING) {
		subject_done(&found->subject);
		subject_add_missing(&found->subject, "%s", why.text);
		status = 0;
	}
	if (status < 0) {
		*e = why;
		return -1;
	}
	if (found->pid)
		return look_at_process(s, e);
	if (!found->fit.plan)
		return err_set(e, ERR_USAGE, "%.100s is a filter alone: it says nothing of files, networks and limits; "
			       "`ward lint` judges its calls", found->subject.name);
	look_at_policy(s, args);
	return 0;
}

static int show(struct surveying *s, const struct args *args, struct err *e)
{
	OWN(str) out = STR_NONE;

	if (args_has(args, SURFACE_SVG))
		surface_svg(&s->surface, &out);
	else if (args_has(args, SURFACE_JSON))
		surface_json(&s->surface, &out);
	else
		surface_text(&s->surface, args_has(args, SURFACE_ALL), say_colour(STDOUT_FILENO), &out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

static int survey(struct surveying *s, const struct args *args, struct err *e)
{
	if (args_has(args, SURFACE_SVG) && args_has(args, SURFACE_JSON))
		return err_set(e, ERR_USAGE, "--json and --svg: only one of them can be standard output");
	if (read_threshold(s, args, e) < 0 || look(s, args, e) < 0)
		return -1;
	s->store = regions_new(REGIONS_NODES);
	surface_make(&s->surface, &s->place, &s->found.subject, s->store);
	if (show(s, args, e) < 0)
		return -1;
	return surface_code(&s->surface, s->has_threshold, s->threshold);
}

int command_surface_run(struct args *args, struct err *e)
{
	struct surveying state = { .found = FOUND_NONE };
	const int code = survey(&state, args, e);

	surveying_done(&state);
	return code;
}

const struct command command_surface = {
	.name = "surface",
	.summary = "list what crosses the boundary, the most dangerous first",
	.usage = "[option]... [--] [program [argument]...]",
	.about = "For a policy, for the box that `ward run` would make of a program, or for a running process "
		 "(--pid): system calls that pass the filters, files, devices, sockets, shared memory, clocks, "
		 "descriptors, rights and limits; which layer guards each, and what crosses though no list has "
		 "it. Nothing is run. The exit code is 0, or 1 when --fail-on finds something, 2 for wrong "
		 "usage, 3 when something could not be judged: what is not known is never taken for closed.",
	.options = options,
	.trouble = CODE_USAGE,
};
