/* The rows of all commands, whichever program they live in: for help, man pages and completion. */
#pragma once

#include "cmd/command.h"

/* The i-th command in the order of `ward --help`, NULL past the end; and one by name. */
const struct command *command_at(size_t i);
const struct command *command_find(const char *name);
