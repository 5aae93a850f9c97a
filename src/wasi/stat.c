/* What a file is like: size, times, identity. By descriptor, or by path without opening it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "wasi/beneath.h"
#include "wasi/table.h"

static uint64_t nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool has_times(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

static uint32_t put_stat(struct wasi *w, int fd, uint32_t out)
{
	uint8_t *const to = memory_at(&w->memory, out, SIZE_FILESTAT);
	struct stat st;

	if (!to)
		return WASI_FAULT;
	if (fstat(fd, &st) < 0)
		return wasi_errno_of(errno);
	memory_put64(to, st.st_dev);
	memory_put64(to + 8, st.st_ino);
	memory_put64(to + 16, table_type(st.st_mode, fd));
	memory_put64(to + 24, st.st_nlink);
	memory_put64(to + 32, (uint64_t)st.st_size);
	/* A stream is the host's: a terminal's times say when somebody typed there. */
	memory_put64(to + 40, has_times(st.st_mode) ? nanoseconds(st.st_atim) : 0);
	memory_put64(to + 48, has_times(st.st_mode) ? nanoseconds(st.st_mtim) : 0);
	memory_put64(to + 56, has_times(st.st_mode) ? nanoseconds(st.st_ctim) : 0);
	return WASI_SUCCESS;
}

static struct timespec moment(uint64_t ns, bool set, bool now)
{
	if (now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (!set)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
}

static uint32_t read_times(uint64_t atim, uint64_t mtim, uint32_t flags, struct timespec times[2])
{
	const bool atim_twice = flags & FSTFLAG_ATIM && flags & FSTFLAG_ATIM_NOW;
	const bool mtim_twice = flags & FSTFLAG_MTIM && flags & FSTFLAG_MTIM_NOW;

	if (flags & ~(uint32_t)FSTFLAGS_ALL || atim_twice || mtim_twice)
		return WASI_INVAL;
	times[0] = moment(atim, flags & FSTFLAG_ATIM, flags & FSTFLAG_ATIM_NOW);
	times[1] = moment(mtim, flags & FSTFLAG_MTIM, flags & FSTFLAG_MTIM_NOW);
	return WASI_SUCCESS;
}

uint32_t wasi_fd_filestat_get(struct wasi *w, uint32_t fd, uint32_t out)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, RIGHT_FD_FILESTAT_GET, &why);

	return slot ? put_stat(w, slot->fd, out) : why;
}

uint32_t wasi_fd_filestat_set_size(struct wasi *w, uint32_t fd, uint64_t size)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_FILE, RIGHT_FD_FILESTAT_SET_SIZE, &why);

	if (!slot)
		return why;
	return ftruncate(slot->fd, (off_t)size) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_fd_filestat_set_times(struct wasi *w, uint32_t fd, uint64_t atim, uint64_t mtim, uint32_t fstflags)
{
	struct timespec times[2];
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, RIGHT_FD_FILESTAT_SET_TIMES, &why);

	if (!slot)
		return why;
	why = read_times(atim, mtim, fstflags, times);
	if (why == WASI_SUCCESS && futimens(slot->fd, times) < 0)
		why = wasi_errno_of(errno);
	return why;
}

/* A path as a descriptor that only names it. */
static int name_path(struct wasi *w, uint32_t fd, uint32_t right, uint32_t lookup, uint32_t path, uint32_t len,
		     uint32_t *why)
{
	char text[MEMORY_PATH];
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_DIRECTORY, right, why);

	if (!slot)
		return -1;
	*why = lookup & ~(uint32_t)LOOKUP_FOLLOW ? WASI_INVAL : memory_path(&w->memory, path, len, text);
	if (*why != WASI_SUCCESS)
		return -1;
	return beneath_open(slot->fd, text, O_PATH | (lookup & LOOKUP_FOLLOW ? 0 : O_NOFOLLOW), 0, why);
}

uint32_t wasi_path_filestat_get(struct wasi *w, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_len,
				uint32_t out)
{
	uint32_t why;
	OWN_FD int named = name_path(w, fd, RIGHT_PATH_FILESTAT_GET, lookup, path, path_len, &why);

	return named < 0 ? why : put_stat(w, named, out);
}

uint32_t wasi_path_filestat_set_times(struct wasi *w, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t path_len,
				      uint64_t atim, uint64_t mtim, uint32_t fstflags)
{
	struct timespec times[2];
	uint32_t why;
	OWN_FD int named = name_path(w, fd, RIGHT_PATH_FILESTAT_SET_TIMES, lookup, path, path_len, &why);

	if (named < 0)
		return why;
	why = read_times(atim, mtim, fstflags, times);
	if (why == WASI_SUCCESS && utimensat(named, "", times, AT_EMPTY_PATH) < 0)
		why = wasi_errno_of(errno);
	return why;
}
