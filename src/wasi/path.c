/* Names in directories: made, removed, moved, read. The kernel has no openat2(2) for these, so the directory
 * is opened beneath the guest's, and the call gets it with one plain name that it does not follow. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "wasi/beneath.h"
#include "wasi/table.h"

/* A name as a guest gives it, found. */
struct place {
	const struct wasi_slot *from;
	char text[MEMORY_PATH];
	struct beneath at;
};

static void place_done(struct place *place)
{
	beneath_done(&place->at);
}
#define PLACE_NONE ((struct place){ .at = BENEATH_NONE })

static uint32_t find(struct wasi *w, uint32_t fd, uint32_t right, uint32_t path, uint32_t len, struct place *out)
{
	uint32_t why;

	out->from = table_find(w, fd, TABLE_DIRECTORY, right, &why);
	if (out->from)
		why = memory_path(&w->memory, path, len, out->text);
	return why == WASI_SUCCESS ? beneath_parent(out->from->fd, out->text, &out->at) : why;
}

static uint32_t answer(int result)
{
	return result < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_path_create_directory(struct wasi *w, uint32_t fd, uint32_t path, uint32_t path_len)
{
	OWN(place) place = PLACE_NONE;
	const uint32_t why = find(w, fd, RIGHT_PATH_CREATE_DIRECTORY, path, path_len, &place);

	return why == WASI_SUCCESS ? answer(mkdirat(place.at.fd, place.at.leaf, 0777)) : why;
}

uint32_t wasi_path_remove_directory(struct wasi *w, uint32_t fd, uint32_t path, uint32_t path_len)
{
	OWN(place) place = PLACE_NONE;
	const uint32_t why = find(w, fd, RIGHT_PATH_REMOVE_DIRECTORY, path, path_len, &place);

	return why == WASI_SUCCESS ? answer(unlinkat(place.at.fd, place.at.leaf, AT_REMOVEDIR)) : why;
}

uint32_t wasi_path_unlink_file(struct wasi *w, uint32_t fd, uint32_t path, uint32_t path_len)
{
	OWN(place) place = PLACE_NONE;
	uint32_t why = find(w, fd, RIGHT_PATH_UNLINK_FILE, path, path_len, &place);

	if (why == WASI_SUCCESS && place.at.directory) {
		why = beneath_is_directory(&place.at);
		return why == WASI_SUCCESS ? WASI_ISDIR : why;
	}
	return why == WASI_SUCCESS ? answer(unlinkat(place.at.fd, place.at.leaf, 0)) : why;
}

/* Moving or linking must not give a file more rights than it had where it was: from one preopen to another
 * only where both were granted alike, and within one only towards a directory that hands on no more. */
static uint32_t check_pair(const struct place *source, const struct place *target)
{
	if (source->from->granted != target->from->granted)
		return WASI_XDEV;
	return target->from->inheriting & ~source->from->inheriting ? WASI_NOTCAPABLE : WASI_SUCCESS;
}

/* A new name that ends in '/', where no directory is made: as Linux says it. */
static uint32_t refuse_new(const struct beneath *at)
{
	return beneath_is_directory(at) == WASI_NOENT ? WASI_NOENT : WASI_EXIST;
}

uint32_t wasi_path_link(struct wasi *w, uint32_t old_fd, uint32_t old_lookup, uint32_t old_path, uint32_t old_len,
			uint32_t new_fd, uint32_t new_path, uint32_t new_len)
{
	OWN(place) source = PLACE_NONE, target = PLACE_NONE;
	uint32_t why;

	if (old_lookup)
		return WASI_INVAL; /* AT_SYMLINK_FOLLOW would follow out of the directory */
	why = find(w, old_fd, RIGHT_PATH_LINK_SOURCE, old_path, old_len, &source);
	if (why == WASI_SUCCESS)
		why = find(w, new_fd, RIGHT_PATH_LINK_TARGET, new_path, new_len, &target);
	if (why == WASI_SUCCESS)
		why = check_pair(&source, &target);
	if (why == WASI_SUCCESS && source.at.directory)
		why = beneath_is_directory(&source.at);
	if (why == WASI_SUCCESS && target.at.directory)
		why = refuse_new(&target.at);
	return why == WASI_SUCCESS ? answer(linkat(source.at.fd, source.at.leaf, target.at.fd, target.at.leaf, 0)) : why;
}

/* A name that ends in '/' must mean a directory: the source's, if a target of that kind is not there yet. */
static uint32_t check_slashes(const struct place *source, const struct place *target)
{
	return source->at.directory || target->at.directory ? beneath_is_directory(&source->at) : WASI_SUCCESS;
}

uint32_t wasi_path_rename(struct wasi *w, uint32_t old_fd, uint32_t old_path, uint32_t old_len, uint32_t new_fd,
			  uint32_t new_path, uint32_t new_len)
{
	OWN(place) source = PLACE_NONE, target = PLACE_NONE;
	uint32_t why = find(w, old_fd, RIGHT_PATH_RENAME_SOURCE, old_path, old_len, &source);

	if (why == WASI_SUCCESS)
		why = find(w, new_fd, RIGHT_PATH_RENAME_TARGET, new_path, new_len, &target);
	if (why == WASI_SUCCESS)
		why = check_pair(&source, &target);
	if (why == WASI_SUCCESS)
		why = check_slashes(&source, &target);
	return why == WASI_SUCCESS ? answer(renameat(source.at.fd, source.at.leaf, target.at.fd, target.at.leaf)) : why;
}

uint32_t wasi_path_symlink(struct wasi *w, uint32_t old_path, uint32_t old_len, uint32_t fd, uint32_t new_path,
			   uint32_t new_len)
{
	char text[MEMORY_PATH];
	OWN(place) place = PLACE_NONE;
	uint32_t why = find(w, fd, RIGHT_PATH_SYMLINK, new_path, new_len, &place);

	if (why == WASI_SUCCESS)
		why = memory_path(&w->memory, old_path, old_len, text);
	if (why != WASI_SUCCESS)
		return why;
	if (*text == '/')
		return WASI_PERM; /* it would mean a place of the host to whoever follows it there */
	if (place.at.directory)
		return refuse_new(&place.at);
	return answer(symlinkat(text, place.at.fd, place.at.leaf));
}

uint32_t wasi_path_readlink(struct wasi *w, uint32_t fd, uint32_t path, uint32_t path_len, uint32_t buffer, uint32_t len,
			    uint32_t out)
{
	OWN(place) place = PLACE_NONE;
	const uint32_t why = find(w, fd, RIGHT_PATH_READLINK, path, path_len, &place);
	char *const to = memory_at(&w->memory, buffer, len);
	ssize_t n;

	if (why != WASI_SUCCESS)
		return why;
	if (!to || !memory_at(&w->memory, out, 4))
		return WASI_FAULT;
	if (place.at.directory)
		return WASI_INVAL;
	if (!len)
		return memory_store32(&w->memory, out, 0) ? WASI_SUCCESS : WASI_FAULT; /* the kernel says EINVAL */
	n = readlinkat(place.at.fd, place.at.leaf, to, len > MEMORY_PATH ? MEMORY_PATH : len);
	if (n < 0)
		return wasi_errno_of(errno);
	memory_store32(&w->memory, out, (uint32_t)n);
	return WASI_SUCCESS;
}
