/* Places of files. Refuses to build a name from anything but an id. */
#include "serve/place.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct {
	const char *dir, *end;
} rows[PLACES] = {
	[PLACE_STDOUT] = { "log", ".out" },
	[PLACE_STDERR] = { "log", ".err" },
	[PLACE_MIX] = { "log", ".mix" },
	[PLACE_BLOB] = { "blob", "" },
	[PLACE_CACHE] = { "cache", "" },
};

void place_name(enum place place, const struct store_id *id, char out[PLACE_MAX])
{
	char text[STORE_ID_TEXT];

	store_id_write(id, text);
	snprintf(out, PLACE_MAX, "%s/%.2s/%s%s", rows[place].dir, text + 30, text, rows[place].end);
}

void place_directory(enum place place, unsigned byte, char out[PLACE_MAX])
{
	snprintf(out, PLACE_MAX, "%s/%02x", rows[place].dir, byte & 0xff);
}

static int make(int state_fd, const char *path, struct err *e)
{
	if (mkdirat(state_fd, path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "%s of the state directory", path);
	return 0;
}

int place_make(int state_fd, struct err *e)
{
	for (size_t i = PLACE_MIX; i < PLACES; i++) {
		if (make(state_fd, rows[i].dir, e) < 0)
			return -1;
		for (unsigned byte = 0; byte < 256; byte++) {
			char path[PLACE_MAX];

			place_directory((enum place)i, byte, path);
			if (make(state_fd, path, e) < 0)
				return -1;
		}
	}
	return 0;
}
