/* A command is a row: main() finds it, reads its options and prints its error, once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/opt.h"

/* Exit codes. The first four are ward's own: --exit-prefix moves them together. */
enum {
	CODE_STOPPED = 124,     /* ward ended the program: a limit was reached */
	CODE_SETUP = 125,       /* nothing ran */
	CODE_NOT_EXECUTABLE = 126,
	CODE_NOT_FOUND = 127,
	CODE_FINDINGS = 1,      /* analysis commands */
	CODE_USAGE = 2,
	CODE_INCOMPLETE = 3     /* analysis commands: something could not be judged; never "clean" */
};

/* What main() made of the words behind the command's name. Borrowed from main(). */
struct args {
	const struct command *command;
	const struct opt_hit *hits;     /* in the order given */
	size_t n_hits;
	char *const *operands;          /* ends with NULL */
	size_t n_operands;
	bool has_in, has_out, has_err;  /* the standard descriptors ward was started with */
	int own_codes;                  /* what CODE_STOPPED is: a run moves it for --exit-prefix */
};

struct command {
	const char *name;
	const char *summary;            /* a phrase, no full stop */
	const char *usage;              /* what follows the name: "[option]... [--] program" */
	const char *about;              /* some sentences for --help; NULL = none */
	const struct opt *options;      /* ends with COMMAND_HELP */
	int trouble;                    /* exit code when run() fails or the options are wrong */
	/* Returns the exit code, or -1 with the reason in e; main() prints it. */
	int (*run)(struct args *args, struct err *e);
};

/* The last row of every option table; main() answers it. */
#define COMMAND_HELP_ID 0x7fff
#define COMMAND_HELP \
	{ .name = "help", .letter = 'h', .help = "show this help", .group = "Other", \
	  .id = COMMAND_HELP_ID }

/* Rows of a command's table, COMMAND_HELP included. */
size_t command_count_options(const struct command *command);

/* The last hit with this id, NULL when the option was not given. */
const struct opt_hit *args_find(const struct args *args, int id);
static inline bool args_has(const struct args *args, int id)
{
	return args_find(args, id) != NULL;
}

/* The i-th command in the order of `ward --help`, NULL past the end; and one by name. */
const struct command *command_at(size_t i);
const struct command *command_find(const char *name);
extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_doctor;
extern const struct command command_selftest;
extern const struct command command_surface;
extern const struct command command_trace;
extern const struct command command_compile;
extern const struct command command_lint;
extern const struct command command_why;
extern const struct command command_diff;
extern const struct command command_advise;
extern const struct command command_bench;
extern const struct command command_completion;
extern const struct command command_version;
extern const struct command command_help;
