/* Reads the rows of a command and what was given for them. The table of commands is main's. */
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
