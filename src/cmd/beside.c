/* Finds programs by where ward is, and never by PATH. */
#include "cmd/beside.h"

#include <string.h>
#include <unistd.h>

int beside_find(const char *name, struct arena *arena, const char **out, struct err *e)
{
	static const char *const places[] = { "", "../libexec/ward/", "../libexec/", "../lib/ward/" };
	char self[4096];
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return err_sys(e, "/proc/self/exe");
	self[len] = '\0';
	char *const slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		*out = arena_printf(arena, "%s/%s%s", self, places[i], name);
		if (access(*out, X_OK) == 0)
			return 0;
	}
	return err_set(e, ERR_MISSING, "%s is neither next to ward nor in %s/%s; install it", name, self, places[1]);
}
