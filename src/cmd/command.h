/* A command is a row of words, which its program, the help, the man pages and the completion read, and a
 * function, which is linked into its program alone (commands.def). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/str.h"

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

/* What dispatch() made of the words behind the command's name. Borrowed from it. */
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
	int trouble;                    /* exit code when the command fails or the options are wrong */
};

/* The last row of every option table; dispatch() answers it. */
#define COMMAND_HELP_ID 0x7fff
#define COMMAND_HELP \
	{ .name = "help", .letter = 'h', .help = "show this help", .group = "Other", \
	  .id = COMMAND_HELP_ID }

/* Rows of a command's table, COMMAND_HELP included. */
size_t command_count_options(const struct command *command);

/* Appends what `ward NAME --help` prints. */
void command_add_help(const struct command *command, struct str *out);

/* The last hit with this id, NULL when the option was not given. */
const struct opt_hit *args_find(const struct args *args, int id);
static inline bool args_has(const struct args *args, int id)
{
	return args_find(args, id) != NULL;
}

/* command_NAME is the row; command_NAME_run() returns the exit code, or -1 with the reason in e, which
 * dispatch() prints. */
typedef int (*command_fn)(struct args *args, struct err *e);
#define COMMAND(name, program) \
	extern const struct command command_##name; \
	MUST_USE int command_##name##_run(struct args *args, struct err *e);
#include "cmd/commands.def"
#undef COMMAND
