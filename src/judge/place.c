/* Lists of facts about a place, bounded: what does not fit is told, never lost in silence. */
#include "judge/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISSING 64

void place_done(struct place *place)
{
	free(place->mounts);
	free(place->fds);
	free(place->missing);
	arena_done(&place->arena);
	*place = PLACE_NONE;
}

static const char *keep(struct place *place, const char *text)
{
	return text ? arena_copy(&place->arena, text, strlen(text)) : NULL;
}

void place_add_missing(struct place *place, const char *format, ...)
{
	char text[300];
	va_list arguments;

	if (place->n_missing == MISSING)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	place->missing = mem_grow(place->missing, &place->cap_missing, place->n_missing + 1,
				  sizeof(*place->missing));
	place->missing[place->n_missing++] = keep(place, text);
}

void place_add_mount(struct place *place, const struct place_mount *mount)
{
	if (place->n_mounts == PLACE_LISTED) {
		place->mounts_cut = true;
		return;
	}
	place->mounts = mem_grow(place->mounts, &place->cap_mounts, place->n_mounts + 1,
				 sizeof(*place->mounts));
	place->mounts[place->n_mounts++] = (struct place_mount){
		.at = keep(place, mount->at),
		.from = keep(place, mount->from),
		.type = keep(place, mount->type),
		.flags = mount->flags,
		.bytes = mount->bytes,
	};
}

void place_add_fd(struct place *place, const struct place_fd *fd)
{
	if (place->n_fds == PLACE_LISTED) {
		place->fds_cut = true;
		return;
	}
	place->fds = mem_grow(place->fds, &place->cap_fds, place->n_fds + 1, sizeof(*place->fds));
	place->fds[place->n_fds++] = (struct place_fd){
		.number = fd->number, .what = keep(place, fd->what), .flags = fd->flags,
	};
}
