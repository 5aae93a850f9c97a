/* Appends. The file begins with what was in memory, so that a reader's offsets mean the same bytes before and after. */
#include "serve/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/* A file is there from now on, with all that came so far. */
static int spill(struct spool *spool, int state_fd, const struct store_id *id, struct err *e)
{
	OWN_FD int fd = -1;
	char path[PLACE_MAX];

	place_name(spool->place, id, path);
	fd = openat(state_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make a file");
	if (spool->small && fd_write_all(fd, spool->small, (size_t)spool->kept, e) < 0) {
		unlinkat(state_fd, path, 0);
		return -1;
	}
	free(TAKE_PTR(spool->small));
	spool->fd = TAKE_FD(fd);
	spool->is_file = true;
	return 0;
}

/* Of what a disk had no room for, some may be in the file: it goes, or the next bytes would lie behind it. */
static int append(const struct spool *spool, const char *bytes, size_t n, struct err *e)
{
	struct err left = ERR_INIT;

	if (fd_write_all(spool->fd, bytes, n, e) == 0)
		return 0;
	if (ftruncate(spool->fd, (off_t)spool->kept) < 0 || lseek(spool->fd, (off_t)spool->kept, SEEK_SET) < 0) {
		err_sys(&left, "cut off what is too much of it");
		err_add(e, "%s", left.text);
	}
	return -1;
}

int spool_add(struct spool *spool, int state_fd, const struct store_id *id, const char *bytes, size_t n, struct err *e)
{
	if (!spool->is_file && spool->kept + n > SPOOL_SMALL && spill(spool, state_fd, id, e) < 0)
		return -1;
	if (spool->is_file) {
		if (append(spool, bytes, n, e) < 0)
			return -1;
	} else {
		if (!spool->small)
			spool->small = mem_raw(SPOOL_SMALL);
		memcpy(spool->small + spool->kept, bytes, n);
	}
	spool->kept += n;
	return 0;
}

ssize_t spool_read(const struct spool *spool, uint64_t offset, char *bytes, size_t max)
{
	size_t n;

	if (spool->is_file)
		return -1;
	if (offset >= spool->kept || !spool->small)
		return 0;
	n = (size_t)(spool->kept - offset) < max ? (size_t)(spool->kept - offset) : max;
	memcpy(bytes, spool->small + offset, n);
	return (ssize_t)n;
}

struct store_bytes spool_small(const struct spool *spool)
{
	if (spool->is_file)
		return (struct store_bytes){ NULL, 0 };
	return (struct store_bytes){ spool->small ? spool->small : "", (size_t)spool->kept };
}

void spool_forget(struct spool *spool, int state_fd, const struct store_id *id)
{
	char path[PLACE_MAX];

	spool_done(spool);
	place_name(spool->place, id, path);
	unlinkat(state_fd, path, 0);
}

void spool_done(struct spool *spool)
{
	fd_close_at(&spool->fd);
	free(TAKE_PTR(spool->small));
}
