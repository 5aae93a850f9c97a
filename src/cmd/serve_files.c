/* What boxes show of the host. Refuses an engine's box every other file. */
#include "cmd/serve_files.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/str.h"

/* Where the loader and the engine's libraries are looked for, links followed here: a box has no links. */
static const char *const library_trees[] = { "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/lib64" };

static void show(struct str *text, const char *kind, const char *what, const char *as)
{
	str_addf(text, "  - %s: \"%s\"\n    as: \"%s\"\n", kind, what, as);
}

static void show_engine(struct str *text, const struct host *host)
{
	char real[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(library_trees); i++)
		if (realpath(library_trees[i], real))
			show(text, "exec", real, library_trees[i]);
	show(text, "exec", host->engine, SERVE_ENGINE_INSIDE);
	if (*host->engine_libs)
		show(text, "exec", host->engine_libs, host->engine_libs);
	str_add(text, "  - scratch: /work\n");
}

const char *serve_files(enum order_park park, const struct host *host, struct arena *arena)
{
	OWN(str) text = STR_NONE;

	if (park == PARK_WASM)
		show_engine(&text, host);
	else
		str_add(&text, "  - read: host\n  - scratch: /work\n    exec: true\n  - scratch: /tmp\n    exec: true\n");
	return arena_copy(arena, str_text(&text), text.len);
}
