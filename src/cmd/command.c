/* Reads the rows of a command and what was given for them. Knows none. */
#include "cmd/command.h"

size_t command_count_options(const struct command *command)
{
	size_t n = 0;

	while (command->options[n].id != COMMAND_HELP_ID)
		n++;
	return n + 1;
}

const struct opt_hit *args_find(const struct args *args, int id)
{
	for (size_t i = args->n_hits; i > 0; i--)
		if (args->hits[i - 1].opt->id == id)
			return &args->hits[i - 1];
	return NULL;
}

void command_add_help(const struct command *command, struct str *out)
{
	str_addf(out, "usage: ward %s %s\n\n", command->name, command->usage);
	str_addf(out, "%c%s.\n", command->summary[0] & ~0x20, command->summary + 1);
	if (command->about) {
		str_add(out, "\n");
		opt_wrap(out, command->about, 0);
	}
	opt_help(command->options, command_count_options(command), out);
}
