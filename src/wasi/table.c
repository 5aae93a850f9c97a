/* Numbers of the guest, what stands behind them, and what each may do. */
#include "wasi/table.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static const struct wasi_slot empty = { .fd = -1 };

void wasi_init(struct wasi *w, const struct wasi_setup *setup)
{
	*w = (struct wasi){ .next = 0 };
	for (size_t i = 0; i < WASI_SLOTS; i++)
		w->slots[i] = empty;
	wasi_begin(w, setup);
}

void wasi_begin(struct wasi *w, const struct wasi_setup *setup)
{
	struct timespec now;

	w->setup = *setup;
	clock_gettime(CLOCK_MONOTONIC, &now);
	w->origin_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void wasi_done(struct wasi *w)
{
	for (size_t i = 0; i < WASI_SLOTS; i++)
		table_close(&w->slots[i]);
}

void table_close(struct wasi_slot *slot)
{
	fd_close(slot->fd);
	*slot = empty;
}

static uint32_t wrong_kind(const struct wasi_slot *slot, enum table_kind kind)
{
	const bool directory = slot->type == FILETYPE_DIRECTORY;
	const bool socket = slot->type == FILETYPE_STREAM || slot->type == FILETYPE_DATAGRAM;

	if (kind == TABLE_FILE && directory)
		return WASI_BADF;
	if (kind == TABLE_DIRECTORY && !directory)
		return WASI_NOTDIR;
	return kind == TABLE_SOCKET && !socket ? WASI_NOTSOCK : WASI_SUCCESS;
}

struct wasi_slot *table_find(struct wasi *w, uint32_t number, enum table_kind kind, uint32_t rights, uint32_t *why)
{
	struct wasi_slot *const slot = number < WASI_SLOTS ? &w->slots[number] : NULL;

	*why = WASI_BADF;
	if (!slot || slot->fd < 0)
		return NULL;
	*why = wrong_kind(slot, kind);
	if (*why == WASI_SUCCESS && rights & ~slot->base)
		/* As POSIX says it of a file that was opened for the other direction. */
		*why = rights & ~slot->base & (RIGHT_FD_READ | RIGHT_FD_WRITE) ? WASI_BADF : WASI_NOTCAPABLE;
	return *why == WASI_SUCCESS ? slot : NULL;
}

int table_add(struct wasi *w, const struct wasi_slot *slot)
{
	for (uint32_t i = 0; i < WASI_SLOTS; i++) {
		const uint32_t at = (w->next + i) % WASI_SLOTS;

		if (w->slots[at].fd >= 0)
			continue;
		w->slots[at] = *slot;
		w->next = at + 1;
		return (int)at;
	}
	return -1;
}

bool table_is_full(const struct wasi *w)
{
	for (uint32_t i = 0; i < WASI_SLOTS; i++)
		if (w->slots[i].fd < 0)
			return false;
	return true;
}

static uint8_t socket_type(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return FILETYPE_UNKNOWN;
	return type == SOCK_DGRAM ? FILETYPE_DATAGRAM : FILETYPE_STREAM;
}

uint8_t table_type(uint32_t mode, int fd)
{
	static const struct {
		uint32_t mode;
		uint8_t type;
	} types[] = {
		{ S_IFREG, FILETYPE_REGULAR }, { S_IFDIR, FILETYPE_DIRECTORY }, { S_IFLNK, FILETYPE_SYMLINK },
		{ S_IFCHR, FILETYPE_CHARACTER }, { S_IFBLK, FILETYPE_BLOCK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	return S_ISSOCK(mode) && fd >= 0 ? socket_type(fd) : FILETYPE_UNKNOWN;
}

static int add(struct wasi *w, int *fd, struct wasi_slot slot, struct err *e)
{
	const int number = table_add(w, &slot);

	if (number < 0)
		return err_set(e, ERR_LIMIT, "a module has at most %d descriptors; grant fewer", WASI_SLOTS);
	*fd = -1;
	return number;
}

int wasi_add_stream(struct wasi *w, int taken, uint32_t rights, struct err *e)
{
	OWN_FD int fd = taken;
	struct stat st;
	struct wasi_slot slot = { .fd = fd };

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at descriptor %d", fd);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_DENIED, "descriptor %d is a directory, and no stream; grant it by its path", fd);
	slot.type = table_type(st.st_mode, fd);
	slot.base = rights & (S_ISSOCK(st.st_mode) ? RIGHTS_SOCKET : RIGHTS_STREAM);
	slot.inheriting = S_ISSOCK(st.st_mode) ? slot.base : 0; /* of accepted connections */
	return add(w, &fd, slot, e);
}

/* File systems in which names are the kernel's: opening one reads or steers processes. */
static bool is_foreign(int fd)
{
	static const unsigned magic[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		SECURITYFS_MAGIC, BPF_FS_MAGIC, 0x62656570 /* configfs */, DEVPTS_SUPER_MAGIC, NSFS_MAGIC,
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(magic); i++)
		if ((unsigned)st.f_type == magic[i])
			return true;
	return false;
}

int wasi_add_directory(struct wasi *w, int taken, const char *name, bool writes, struct err *e)
{
	OWN_FD int fd = taken;
	const uint32_t files = writes ? RIGHTS_ALL : RIGHTS_OF_READERS;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at the directory for %.80s", name);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_DENIED, "%.80s is no directory; grant the directory it is in", name);
	if (is_foreign(fd))
		return err_set(e, ERR_DENIED, "%.80s lies in a file system of the kernel's own (proc, sys, cgroup), "
			       "which no module gets; grant another directory", name);
	return add(w, &fd, (struct wasi_slot){ .fd = fd, .type = FILETYPE_DIRECTORY, .base = files & RIGHTS_DIRECTORY,
		   .inheriting = files, .granted = files, .name = name, .is_top = true }, e);
}
