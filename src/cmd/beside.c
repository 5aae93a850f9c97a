/* Finds programs by where ward is, and never by PATH. */
#include "cmd/beside.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Cuts the last name off; false when there is none. */
static bool go_up(char *path)
{
	char *const slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return slash;
}

/* Paths are written without "..": they become grants of policies, which take none. */
static int find(const char *name, int mode, struct arena *arena, const char **out, struct err *e)
{
	static const struct {
		bool is_above;
		const char *place;
	} places[] = { { false, "" }, { true, "libexec/ward/" }, { true, "libexec/" }, { true, "lib/ward/" } };
	char self[4096], above[sizeof(self)];
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return err_sys(e, "/proc/self/exe");
	self[len] = '\0';
	(void)go_up(self);
	memcpy(above, self, sizeof(above));
	(void)go_up(above);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		*out = arena_printf(arena, "%s/%s%s", places[i].is_above ? above : self, places[i].place, name);
		if (access(*out, mode) == 0)
			return 0;
	}
	return err_set(e, ERR_MISSING, "%s is neither next to ward nor in %s/%s; install it", name, above, places[1].place);
}

int beside_find(const char *name, struct arena *arena, const char **out, struct err *e)
{
	return find(name, X_OK, arena, out, e);
}

int beside_find_file(const char *name, struct arena *arena, const char **out, struct err *e)
{
	return find(name, R_OK, arena, out, e);
}
