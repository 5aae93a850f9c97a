/* `ward help`: all commands, or what one does and its options. */
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/dispatch.h"
#include "cmd/say.h"

static void add_all(struct str *out)
{
	str_add(out, "usage: ward COMMAND [option]... [argument]...\n\n"
		     "Runs a program with no authority but what a policy grants.\n\nCommands:\n");
	for (size_t i = 0; command_at(i); i++) {
		str_addf(out, "  %s", command_at(i)->name);
		str_pad(out, 14);
		opt_wrap(out, command_at(i)->summary, 14);
	}
	opt_help(dispatch_options, DISPATCH_OPTIONS, out);
	str_add(out, "\n`ward COMMAND --help` tells more; so does `man ward-COMMAND`.\n");
}

int command_help_run(struct args *args, struct err *e)
{
	const struct command *const command = args->n_operands ? command_find(args->operands[0]) : NULL;
	OWN(str) out = STR_NONE;

	if (args->n_operands && !command)
		return dispatch_refuse(args->operands[0], e);
	if (command)
		command_add_help(command, &out);
	else
		add_all(&out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

static const struct opt options[] = { COMMAND_HELP };
const struct command command_help = {
	.name = "help",
	.summary = "show what a command does and its options",
	.usage = "[command]",
	.options = options,
	.trouble = CODE_USAGE,
};
