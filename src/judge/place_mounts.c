/* Reads mountinfo, and tells what of it is the host's: the same file system is mounted where the asker is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/place_process.h"

#define OWN_LISTED 8192
#define FIELD 4096

/* One line, taken apart. Fields are copies, octal escapes undone. */
struct line {
	char device[32], root[FIELD], at[FIELD], options[FIELD], type[64], super[FIELD];
};

/* A mount of the asker. */
struct own {
	char *device, *root, *at;
};
struct owns {
	struct own *list;
	size_t n, cap;
	struct arena arena;
};

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

/* Copies the next blank-separated field; false when there is none before the line's end, or no room. */
static bool take(const char **at, const char *end, char *out, size_t cap)
{
	const char *p = *at;
	size_t n = 0;

	while (p < end && *p == ' ')
		p++;
	if (p == end)
		return false;
	for (; p < end && *p != ' '; p++) {
		if (n + 1 >= cap)
			return false;
		if (*p == '\\' && end - p > 3 && is_octal(p + 1)) {
			out[n++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	*at = p;
	return true;
}

/* "36 35 98:0 /root /at rw,noatime master:1 - ext3 /dev/x rw,errors=continue" */
static bool take_line(const char *p, const char *end, struct line *line)
{
	char skipped[FIELD];

	if (!take(&p, end, skipped, sizeof(skipped)) || !take(&p, end, skipped, sizeof(skipped)) ||
	    !take(&p, end, line->device, sizeof(line->device)) || !take(&p, end, line->root, sizeof(line->root)) ||
	    !take(&p, end, line->at, sizeof(line->at)) || !take(&p, end, line->options, sizeof(line->options)))
		return false;
	do {
		if (!take(&p, end, skipped, sizeof(skipped)))
			return false;
	} while (strcmp(skipped, "-") != 0);
	if (!take(&p, end, line->type, sizeof(line->type)))
		return false;
	*line->super = '\0';
	if (take(&p, end, skipped, sizeof(skipped)) && !take(&p, end, line->super, sizeof(line->super)))
		*line->super = '\0';
	return *line->at == '/' && *line->root;
}

static bool has_option(const char *options, const char *wanted)
{
	const size_t len = strlen(wanted);

	for (const char *p = options; (p = strstr(p, wanted)); p += len)
		if ((p == options || p[-1] == ',') && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

/* "size=65536k" of a tmpfs; 0 when it says none. */
static uint64_t size_of(const struct line *line)
{
	const char *const size = strstr(line->super, "size=");
	char *end;
	uint64_t n;

	if (strcmp(line->type, "tmpfs") != 0 || !size || (size > line->super && size[-1] != ','))
		return 0;
	n = strtoull(size + 5, &end, 10);
	return *end == 'k' && n < UINT64_MAX >> 10 ? n << 10 : 0;
}

/* What of a path lies below a directory: "/b" of "/a/b" below "/a"; NULL: it does not. */
static const char *below(const char *path, const char *directory)
{
	const size_t len = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '/' || !path[len]) ? path + len : NULL;
}

static void read_own(struct owns *owns, const char *text)
{
	struct line *const line = mem_raw(sizeof(*line));

	for (const char *p = text, *end; *p && owns->n < OWN_LISTED; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (!take_line(p, end, line))
			continue;
		owns->list = mem_grow(owns->list, &owns->cap, owns->n + 1, sizeof(*owns->list));
		owns->list[owns->n++] = (struct own){
			arena_copy(&owns->arena, line->device, strlen(line->device)),
			arena_copy(&owns->arena, line->root, strlen(line->root)),
			arena_copy(&owns->arena, line->at, strlen(line->at)),
		};
	}
	free(line);
}

/* Where the asker sees what is mounted; NULL: the file system is not one of the asker's. */
static const char *find_from(struct place *place, const struct owns *owns, const struct line *line)
{
	const struct own *best = NULL;
	bool is_shared = false;

	for (size_t i = 0; i < owns->n; i++) {
		const struct own *const own = &owns->list[i];

		if (strcmp(own->device, line->device) != 0)
			continue;
		is_shared = true;
		if (below(line->root, own->root) && (!best || strlen(own->root) > strlen(best->root)))
			best = own;
	}
	if (best) {
		const char *const rest = below(line->root, best->root);
		const bool is_all = !*rest || strcmp(rest, "/") == 0;

		return arena_printf(&place->arena, "%s%s", is_all || strcmp(best->at, "/") != 0 ? best->at : "",
				    is_all ? "" : rest);
	}
	return is_shared ? arena_printf(&place->arena, "%s of %s", line->root, line->device) : NULL;
}

static void add_line(struct place *place, const struct owns *owns, bool knows_own, const struct line *line)
{
	const bool is_read_only = has_option(line->options, "ro") || has_option(line->super, "ro");

	place_add_mount(place, &(struct place_mount){
		.at = line->at,
		.from = knows_own ? find_from(place, owns, line) : line->root,
		.type = line->type,
		.flags = (is_read_only ? 0u : PLACE_WRITE) | (has_option(line->options, "noexec") ? 0u : PLACE_EXEC) |
			 (has_option(line->options, "nosuid") ? 0u : PLACE_SUID) |
			 (has_option(line->options, "nodev") ? 0u : PLACE_DEV),
		.bytes = size_of(line),
	});
	if (strcmp(line->type, "proc") == 0 && !has_option(line->super, "subset=pid"))
		place->holds &= ~LAYER_BIT(LAYER_PROC);
}

void place_read_mounts(struct place *place, const char *text, const char *own)
{
	struct owns owns = { .list = NULL };
	struct line *const line = mem_raw(sizeof(*line));
	size_t bad = 0;

	place->holds |= LAYER_BIT(LAYER_PROC);
	if (own)
		read_own(&owns, own);
	for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (place->mounts_cut)
			break;
		if (take_line(p, end, line))
			add_line(place, &owns, own, line);
		else
			bad++;
	}
	if (bad)
		place_add_missing(place, "%zu lines of mountinfo that are no mounts", bad);
	free(line);
	free(owns.list);
	arena_done(&owns.arena);
}
