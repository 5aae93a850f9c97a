/* The list of commands.def as rows. */
#include "cmd/commands.h"

#include <string.h>

static const struct command *const commands[] = {
#define COMMAND(name, program) &command_##name,
#include "cmd/commands.def"
#undef COMMAND
};

const struct command *command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}
