/* path_open: the one call that makes new descriptors out of paths. What it opens can do no more than the
 * directory hands on, and is a file or a directory, never a device, pipe or socket. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "wasi/beneath.h"
#include "wasi/table.h"

/* What was asked, in the terms of both sides. */
struct opening {
	const struct wasi_slot *from;
	char path[MEMORY_PATH];
	uint32_t lookup, oflags, fdflags;
	uint32_t base, inheriting;      /* already no more than the directory's */
	bool exists, is_directory;      /* as a look before opening found it */
};

static uint32_t check_flags(const struct opening *o, uint64_t asked)
{
	const bool makes = o->oflags & (OFLAG_CREAT | OFLAG_EXCL | OFLAG_TRUNC);
	const uint32_t wants = (uint32_t)asked & (RIGHT_FD_READ | RIGHT_FD_WRITE);

	if (o->oflags & ~(uint32_t)OFLAGS_ALL || o->fdflags & ~(uint32_t)FDFLAGS_ALL ||
	    o->lookup & ~(uint32_t)LOOKUP_FOLLOW || (o->oflags & OFLAG_DIRECTORY && makes))
		return WASI_INVAL;
	if (o->oflags & OFLAG_CREAT && !(o->from->base & RIGHT_PATH_CREATE_FILE))
		return WASI_NOTCAPABLE;
	if (o->oflags & OFLAG_TRUNC && !(o->from->base & RIGHT_PATH_FILESTAT_SET_SIZE))
		return WASI_NOTCAPABLE;
	/* Other rights are left out silently, as guests ask for all there are; these two they mean. */
	return wants & ~o->from->inheriting ? WASI_NOTCAPABLE : WASI_SUCCESS;
}

/* Looks without opening: opening a device can have effects, and a pipe can wait for ever. */
static uint32_t look(struct opening *o)
{
	const uint64_t follow = o->lookup & LOOKUP_FOLLOW ? 0 : O_NOFOLLOW;
	uint32_t why = WASI_SUCCESS;
	OWN_FD int named = beneath_open(o->from->fd, o->path, O_PATH | follow, 0, &why);
	struct stat st;

	if (named < 0)
		return why == WASI_NOENT && o->oflags & OFLAG_CREAT ? WASI_SUCCESS : why;
	if (fstat(named, &st) < 0)
		return wasi_errno_of(errno);
	if (S_ISLNK(st.st_mode))
		return o->oflags & OFLAG_DIRECTORY ? WASI_NOTDIR :
		       (o->oflags & (OFLAG_CREAT | OFLAG_EXCL)) == (OFLAG_CREAT | OFLAG_EXCL) ? WASI_EXIST : WASI_LOOP;
	o->exists = true;
	o->is_directory = S_ISDIR(st.st_mode);
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? WASI_SUCCESS : WASI_ACCES;
}

static uint64_t access_mode(const struct opening *o)
{
	const uint32_t writers = RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE;
	const bool writes = o->base & writers || o->oflags & OFLAG_TRUNC;

	if (o->is_directory || !writes)
		return O_RDONLY;
	return o->base & RIGHT_FD_READ ? O_RDWR : O_WRONLY;
}

static uint64_t linux_flags(const struct opening *o)
{
	/* O_NONBLOCK: should a pipe have taken the file's place since. Files do not mind it. */
	uint64_t flags = access_mode(o) | O_NONBLOCK | O_NOCTTY;

	flags |= o->lookup & LOOKUP_FOLLOW ? 0 : O_NOFOLLOW;
	flags |= o->is_directory || o->oflags & OFLAG_DIRECTORY ? O_DIRECTORY : 0;
	flags |= o->oflags & OFLAG_CREAT ? O_CREAT : 0;
	flags |= o->oflags & OFLAG_EXCL ? O_EXCL : 0;
	flags |= o->oflags & OFLAG_TRUNC ? O_TRUNC : 0;
	if (o->is_directory)
		return flags;
	flags |= o->fdflags & FDFLAG_APPEND ? O_APPEND : 0;
	flags |= o->fdflags & FDFLAG_DSYNC ? O_DSYNC : 0;
	flags |= o->fdflags & (FDFLAG_SYNC | FDFLAG_RSYNC) ? O_SYNC : 0;
	return flags;
}

/* "." or "dir/..": a path never leads higher than where it begins, so only a top leads to a top. */
static bool is_top(const struct wasi_slot *from, const struct stat *st)
{
	struct stat above;

	return from->is_top && fstat(from->fd, &above) == 0 && above.st_ino == st->st_ino && above.st_dev == st->st_dev;
}

static uint32_t add_opened(struct wasi *w, const struct opening *o, int *fd, uint32_t out)
{
	struct wasi_slot slot = {
		.fd = *fd, .flags = (uint8_t)o->fdflags, .base = o->base, .inheriting = o->inheriting,
		.granted = o->from->granted,
	};
	struct stat st;
	int number;

	if (fstat(*fd, &st) < 0)
		return wasi_errno_of(errno);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return WASI_ACCES;
	slot.type = table_type(st.st_mode, *fd);
	slot.is_top = is_top(o->from, &st);
	slot.base &= slot.type == FILETYPE_DIRECTORY ? RIGHTS_DIRECTORY : RIGHTS_FILE;
	number = table_add(w, &slot);
	if (number < 0)
		return WASI_MFILE;
	*fd = -1;
	memory_store32(&w->memory, out, (uint32_t)number);
	return WASI_SUCCESS;
}

static uint32_t open_path(struct wasi *w, struct opening *o, uint32_t out)
{
	uint32_t why = look(o);
	OWN_FD int fd = -1;

	if (why != WASI_SUCCESS)
		return why;
	if (table_is_full(w))
		return WASI_MFILE; /* and nothing is made or emptied */
	if (o->is_directory && o->oflags & OFLAG_CREAT)
		return o->oflags & OFLAG_EXCL ? WASI_EXIST : WASI_ISDIR;
	if (o->is_directory && (o->base & RIGHT_FD_WRITE || (o->oflags & OFLAG_TRUNC && !(o->oflags & OFLAG_DIRECTORY))))
		return WASI_ISDIR;
	fd = beneath_open(o->from->fd, o->path, linux_flags(o), o->oflags & OFLAG_CREAT ? 0666 : 0, &why);
	return fd < 0 ? why : add_opened(w, o, &fd, out);
}

uint32_t wasi_path_open(struct wasi *w, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_len, uint32_t oflags,
			uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t out)
{
	uint32_t why;
	struct opening o = { .lookup = lookup, .oflags = oflags, .fdflags = fdflags };

	o.from = table_find(w, fd, TABLE_DIRECTORY, RIGHT_PATH_OPEN, &why);
	if (!o.from)
		return why;
	o.base = (uint32_t)base & o.from->inheriting;
	o.inheriting = (uint32_t)inheriting & o.from->inheriting;
	why = check_flags(&o, base);
	if (why == WASI_SUCCESS)
		why = memory_path(&w->memory, path, path_len, o.path);
	if (why == WASI_SUCCESS && !memory_at(&w->memory, out, 4))
		why = WASI_FAULT;
	return why == WASI_SUCCESS ? open_path(w, &o, out) : why;
}
