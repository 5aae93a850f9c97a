/* From the words of the command line to a command, for each of the programs that have some. */
#pragma once

#include "cmd/command.h"

/* Programs that commands live in; the second column of commands.def. */
enum program { WARD, ANALYST, PLUGIN, CLIENT, ARCHIVE };

struct dispatch_row {
	const struct command *command;
	command_fn run;
};

/* What one program is and has. */
struct dispatch {
	enum program program;
	const struct dispatch_row *rows;
	size_t n;
};

/* For the programs' tables: commands.def names the program of a row, and each program defines the word of its own as
 * DISPATCH_HERE before it includes dispatch_rows.def. */
#define DISPATCH_HERE(name) { &command_##name, command_##name##_run },
#define DISPATCH_ELSEWHERE(name)

/* Runs the command the words name, in this program or, from `ward`, in the one it lives in; prints what went wrong.
 *
 * argv  as main() got it
 * Returns the exit code. */
int dispatch(const struct dispatch *here, int argc, char **argv);

/* `ward` without a command: --version and --help. */
#define DISPATCH_OPTIONS 2
extern const struct opt dispatch_options[DISPATCH_OPTIONS];

/* ERR_USAGE for a name no command has, with the nearest one. */
int dispatch_refuse(const char *name, struct err *e);
