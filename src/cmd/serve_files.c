/* What boxes show of the host. Refuses an engine's box every other file. */
#include "cmd/serve_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "cmd/image_build.h"
#include "cmd/image_store.h"

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

static int look(const char *word, struct serve_image *out, struct arena *arena, struct err *e)
{
	struct image image;
	const char *now;

	if (image_store_find(word, arena, &out->directory, e) < 0 || image_store_tree(out->directory, arena, &out->tree, e) < 0 ||
	    image_store_read(out->directory, arena, &image, e) < 0 || image_digest(out->directory, image.format, arena, &now, e) < 0)
		return -1;
	if (strcmp(now, image.digest) != 0)
		return err_set(e, ERR_CONFLICT, "it is not what was built any more; build it anew");
	out->digest = image.digest;
	return 0;
}

void serve_image_look(const char *word, struct serve_image *image, struct arena *arena)
{
	*image = (struct serve_image){ .word = word, .why = ERR_INIT };
	if (look(word, image, arena, &image->why) < 0)
		err_add(&image->why, "image %.60s", word);
}

const char *serve_files(enum order_park park, const struct host *host, const struct serve_image *image, struct arena *arena)
{
	OWN(str) text = STR_NONE;

	if (park == PARK_WASM)
		show_engine(&text, host);
	else
		str_addf(&text, "  - read: %s\n  - scratch: /work\n    exec: true\n  - scratch: /tmp\n    exec: true\n",
			 image ? "image" : "host");
	return arena_copy(arena, str_text(&text), text.len);
}
