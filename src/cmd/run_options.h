/* The options of `ward run`: their table, and what they say of ward itself, not of the policy. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cmd/command.h"
#include "cmd/compose.h"

/* Ids of the rows of run_options.def that are not compose's. */
enum run_id {
	RUN_EXPLAIN = COMPOSE_IDS, RUN_DRY_RUN, RUN_QUIET, RUN_VERBOSE, RUN_MONITOR, RUN_RESULT,
	RUN_RESULT_FORMAT, RUN_STATUS_FD, RUN_STDIN, RUN_STDOUT, RUN_STDERR, RUN_EXIT_PREFIX, RUN_PLUGIN, RUN_REQUESTS,
	RUN_IDS
};

struct run_options {
	bool explain, dry_run, quiet, verbose, requests;
	bool is_plugin;                 /* the module comes over a descriptor */
	const char *monitor;            /* NULL = the usual one */
	const char *result_name;        /* NULL = none wanted */
	bool isolate;                   /* the result as an isolate meta file */
	int result_fd, status_fd;       /* -1 = none */
	int in_fd, out_fd, err_fd;      /* of the program; -1 = none */
	int own[4];                     /* what was opened here, -1 = nothing */
};
#define RUN_OPTIONS_NONE \
	((struct run_options){ .result_fd = -1, .status_fd = -1, .in_fd = -1, .out_fd = -1, \
			       .err_fd = -1, .own = { -1, -1, -1, -1 } })
void run_options_done(struct run_options *options);

/* Ends with COMMAND_HELP. */
extern const struct opt run_options_table[];

/* Reads what args say about ward itself, checks the descriptors named, opens the files named, and
 * moves args->own_codes for --exit-prefix.
 *
 * out  starts from RUN_OPTIONS_NONE; is filled as far as it got also on failure, so that a result
 *      file is written for every failure behind it
 * Errors: ERR_USAGE, ERR_SYSTEM, naming the option */
MUST_USE int run_options_read(struct args *args, struct run_options *out, struct err *e);
