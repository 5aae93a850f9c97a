/* Where state is. */
#include "cmd/state_dir.h"

#include <stdlib.h>
#include <unistd.h>

const char *state_dir_usual(void)
{
	return geteuid() == 0 ? STATE_OF_ROOT : STATE_OF_USER;
}

const char *state_dir_of_user(struct arena *arena)
{
	const char *const state = getenv("XDG_STATE_HOME"), *const home = getenv("HOME");

	if (state && *state == '/')
		return arena_printf(arena, "%s/ward", state);
	return home && *home == '/' ? arena_printf(arena, "%s/.local/state/ward", home) : NULL;
}
