/* One run of a program under a policy, from the command line to its end: for run and trace. */
#pragma once

#include "boundary/boundary.h"
#include "cmd/command.h"
#include "cmd/fit.h"
#include "cmd/openings.h"
#include "cmd/run_options.h"
#include "model/host.h"
#include "model/policy.h"
#include "model/result.h"
#include "monitor/client.h"

struct record;

/* Everything borrows from what stands above it. */
struct running {
	struct record *record;          /* borrowed; the run is traced into it. NULL: it is not */
	struct run_options options;
	struct policy policy;
	const char *source;             /* preset together with policy: the flags are in it already */
	struct host host;
	const char *socket;
	struct arena arena;
	struct payload payload;
	struct fit fit;
	struct openings openings;
	struct box box;                 /* a keeper that waits for its plan */
	struct result result;
};
#define RUNNING_NONE \
	((struct running){ .options = RUN_OPTIONS_NONE, .policy = POLICY_NONE, .box = BOX_NONE, \
			   .result = { .verdict = VERDICT_SETUP, .stage = STAGE_SETUP, .exit_code = -1 } })
void running_done(struct running *run);

/* Everything up to the box: reads options and policy, plans, opens what is granted; with --dry-run and
 * --explain it prints what they ask for. */
MUST_USE int running_prepare(struct running *run, struct args *args, struct err *e);

/* Runs the box to its end. Afterwards this process has no rights left. */
void running_start(struct running *run);

/* The line for people, and the result for programs. Returns the exit code. */
int running_report(struct running *run, const struct args *args);

/* The result for programs, when running_prepare() failed. Returns -1, for main() to print e. */
int running_fail(struct running *run, const struct args *args, const struct err *e);
