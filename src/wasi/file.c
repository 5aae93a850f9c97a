/* Descriptors: reading, writing, positions, flags, rights, numbers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "wasi/table.h"

/* O_NONBLOCK belongs to the open file, and a stream's open file is shared with ward's caller: so the flag is
 * the table's, and a transfer that would wait is not begun. */
static bool would_wait(const struct wasi_slot *slot, short events)
{
	struct pollfd ready = { .fd = slot->fd, .events = events };

	return slot->flags & FDFLAG_NONBLOCK && slot->type != FILETYPE_REGULAR && poll(&ready, 1, 0) == 0;
}

/* A transfer of one call: at an offset, or where the file stands. */
struct transfer {
	uint32_t fd, iovs, n_iovs, out;
	bool writes, placed;
	uint64_t offset;
};

static ssize_t move_bytes(const struct transfer *t, int fd, const struct iovec *iovs, int n)
{
	if (t->placed)
		return t->writes ? pwritev(fd, iovs, n, (off_t)t->offset) : preadv(fd, iovs, n, (off_t)t->offset);
	return t->writes ? writev(fd, iovs, n) : readv(fd, iovs, n);
}

static uint32_t transfer(struct wasi *w, const struct transfer *t)
{
	const uint32_t rights = (t->writes ? RIGHT_FD_WRITE : RIGHT_FD_READ) | (t->placed ? RIGHT_FD_SEEK : 0);
	NO_INIT struct iovec iovs[MEMORY_IOVECS];
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, t->fd, TABLE_FILE, rights, &why);
	const int n = slot ? memory_iovecs(&w->memory, t->iovs, t->n_iovs, iovs, &why) : -1;
	ssize_t done;

	if (n < 0)
		return why;
	if (!memory_at(&w->memory, t->out, 4))
		return WASI_FAULT; /* before bytes are gone that nobody would be told of */
	if (would_wait(slot, t->writes ? POLLOUT : POLLIN))
		return WASI_AGAIN;
	done = move_bytes(t, slot->fd, iovs, n);
	if (done < 0)
		return wasi_errno_of(errno);
	memory_store32(&w->memory, t->out, (uint32_t)done);
	return WASI_SUCCESS;
}

uint32_t wasi_fd_read(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint32_t out)
{
	return transfer(w, &(struct transfer){ .fd = fd, .iovs = iovs, .n_iovs = n_iovs, .out = out });
}

uint32_t wasi_fd_write(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint32_t out)
{
	return transfer(w, &(struct transfer){ .fd = fd, .iovs = iovs, .n_iovs = n_iovs, .out = out, .writes = true });
}

uint32_t wasi_fd_pread(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint64_t offset, uint32_t out)
{
	return transfer(w, &(struct transfer){ .fd = fd, .iovs = iovs, .n_iovs = n_iovs, .out = out, .placed = true,
			   .offset = offset });
}

uint32_t wasi_fd_pwrite(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint64_t offset, uint32_t out)
{
	return transfer(w, &(struct transfer){ .fd = fd, .iovs = iovs, .n_iovs = n_iovs, .out = out, .placed = true,
			   .offset = offset, .writes = true });
}

static uint32_t seek(struct wasi *w, uint32_t fd, uint64_t offset, uint32_t whence, uint32_t right, uint32_t out)
{
	static const int linux_whence[] = { [WHENCE_SET] = SEEK_SET, [WHENCE_CUR] = SEEK_CUR, [WHENCE_END] = SEEK_END };
	uint32_t why;
	const struct wasi_slot *slot = table_find(w, fd, TABLE_FILE, 0, &why);
	off_t at;

	if (slot && slot->type != FILETYPE_REGULAR)
		return WASI_SPIPE;
	/* Who may move may also ask: "implies fd_tell", wasi_snapshot_preview1.witx. */
	if (slot && slot->base & RIGHT_FD_SEEK)
		right &= ~(uint32_t)RIGHT_FD_TELL;
	slot = table_find(w, fd, TABLE_FILE, right, &why);
	if (!slot)
		return why;
	if (whence >= ARRAY_SIZE(linux_whence))
		return WASI_INVAL;
	at = lseek(slot->fd, (off_t)offset, linux_whence[whence]);
	if (at < 0)
		return wasi_errno_of(errno);
	return memory_store64(&w->memory, out, (uint64_t)at) ? WASI_SUCCESS : WASI_FAULT;
}

uint32_t wasi_fd_seek(struct wasi *w, uint32_t fd, uint64_t offset, uint32_t whence, uint32_t out)
{
	const bool only_asks = whence == WHENCE_CUR && offset == 0;

	return seek(w, fd, offset, whence, only_asks ? RIGHT_FD_TELL : RIGHT_FD_SEEK, out);
}

uint32_t wasi_fd_tell(struct wasi *w, uint32_t fd, uint32_t out)
{
	return seek(w, fd, 0, WHENCE_CUR, RIGHT_FD_TELL, out);
}

uint32_t wasi_fd_close(struct wasi *w, uint32_t fd)
{
	uint32_t why;
	struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, 0, &why);

	if (slot)
		table_close(slot);
	return why;
}

uint32_t wasi_fd_renumber(struct wasi *w, uint32_t from, uint32_t to)
{
	uint32_t why;
	struct wasi_slot *const slot = table_find(w, from, TABLE_ANY, 0, &why);

	if (!slot)
		return why;
	if (!table_find(w, to, TABLE_ANY, 0, &why))     /* takes the place of one, and makes none */
		return why;
	if (from == to)
		return WASI_SUCCESS;
	table_close(&w->slots[to]);
	w->slots[to] = TAKE(*slot, ((struct wasi_slot){ .fd = -1 }));
	return WASI_SUCCESS;
}

uint32_t wasi_fd_sync(struct wasi *w, uint32_t fd)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, RIGHT_FD_SYNC, &why);

	if (!slot)
		return why;
	return fsync(slot->fd) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_fd_datasync(struct wasi *w, uint32_t fd)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, RIGHT_FD_DATASYNC, &why);

	if (!slot)
		return why;
	return fdatasync(slot->fd) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_fd_advise(struct wasi *w, uint32_t fd, uint64_t offset, uint64_t len, uint32_t advice)
{
	static const int linux_advice[] = {
		POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,
		POSIX_FADV_NOREUSE,
	};
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_FILE, RIGHT_FD_ADVISE, &why);

	if (!slot)
		return why;
	if (advice >= ARRAY_SIZE(linux_advice))
		return WASI_INVAL;
	/* It takes the file out of the cache that the whole host shares: who may only read it could see by that when others do.
	 * Source: Gruss et al., Page Cache Attacks, CCS 2019 */
	if (linux_advice[advice] == POSIX_FADV_DONTNEED && !(slot->granted & RIGHT_FD_WRITE))
		return WASI_SUCCESS;
	return wasi_errno_of(posix_fadvise(slot->fd, (off_t)offset, (off_t)len, linux_advice[advice]));
}

uint32_t wasi_fd_allocate(struct wasi *w, uint32_t fd, uint64_t offset, uint64_t len)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_FILE, RIGHT_FD_ALLOCATE, &why);

	if (!slot)
		return why;
	return fallocate(slot->fd, 0, (off_t)offset, (off_t)len) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_get(struct wasi *w, uint32_t fd, uint32_t out)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, 0, &why);
	uint8_t *const to = memory_at(&w->memory, out, SIZE_FDSTAT);

	if (!slot)
		return why;
	if (!to)
		return WASI_FAULT;
	memory_put64(to, slot->type);
	memory_put16(to + 2, slot->flags);
	memory_put64(to + 8, slot->base);
	memory_put64(to + 16, slot->inheriting);
	return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_set_flags(struct wasi *w, uint32_t fd, uint32_t flags)
{
	uint32_t why;
	struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, RIGHT_FD_FDSTAT_SET_FLAGS, &why);

	if (!slot)
		return why;
	if (flags & ~(uint32_t)FDFLAGS_ALL)
		return WASI_INVAL;
	if ((flags ^ slot->flags) & FDFLAGS_SYNC)
		return WASI_NOTSUP; /* F_SETFL would say yes and do nothing: fcntl(2) */
	if (slot->type == FILETYPE_REGULAR && slot->granted &&
	    fcntl(slot->fd, F_SETFL, flags & FDFLAG_APPEND ? O_APPEND : 0) < 0)
		return wasi_errno_of(errno);
	slot->flags = (uint8_t)flags;
	return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_set_rights(struct wasi *w, uint32_t fd, uint64_t base, uint64_t inheriting)
{
	uint32_t why;
	struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, 0, &why);

	if (!slot)
		return why;
	if (base & ~(uint64_t)slot->base || inheriting & ~(uint64_t)slot->inheriting)
		return WASI_NOTCAPABLE;
	slot->base = (uint32_t)base;
	slot->inheriting = (uint32_t)inheriting;
	return WASI_SUCCESS;
}
