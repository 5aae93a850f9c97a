/* Listing directories, and telling the guest which ones it was given. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "wasi/table.h"

static uint32_t preopen_name(struct wasi *w, uint32_t fd, const char **out)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_ANY, 0, &why);

	if (!slot)
		return why;
	*out = slot->name;
	return slot->name ? WASI_SUCCESS : WASI_BADF; /* guests count upwards until they hear this */
}

uint32_t wasi_fd_prestat_get(struct wasi *w, uint32_t fd, uint32_t out)
{
	const char *name;
	const uint32_t why = preopen_name(w, fd, &name);
	uint8_t *const to = memory_at(&w->memory, out, SIZE_PRESTAT);

	if (why != WASI_SUCCESS)
		return why;
	if (!to)
		return WASI_FAULT;
	memory_put32(to, 0); /* a directory: there is no other kind */
	memory_put32(to + 4, (uint32_t)strlen(name));
	return WASI_SUCCESS;
}

uint32_t wasi_fd_prestat_dir_name(struct wasi *w, uint32_t fd, uint32_t buffer, uint32_t len)
{
	const char *name;
	const uint32_t why = preopen_name(w, fd, &name);
	void *to;

	if (why != WASI_SUCCESS)
		return why;
	if (len < strlen(name))
		return WASI_NAMETOOLONG;
	to = memory_at(&w->memory, buffer, strlen(name));
	if (!to)
		return WASI_FAULT;
	memcpy(to, name, strlen(name));
	return WASI_SUCCESS;
}

/* An entry as getdents64(2) gives it. Source: linux_dirent64, include/linux/dirent.h */
struct entry {
	uint64_t ino, next;
	uint16_t len;
	uint8_t type;
	char name[];
};

static uint8_t entry_type(uint8_t type)
{
	static const uint8_t types[] = {
		[DT_BLK] = FILETYPE_BLOCK, [DT_CHR] = FILETYPE_CHARACTER, [DT_DIR] = FILETYPE_DIRECTORY,
		[DT_REG] = FILETYPE_REGULAR, [DT_LNK] = FILETYPE_SYMLINK,
	};

	return type < ARRAY_SIZE(types) ? types[type] : FILETYPE_UNKNOWN;
}

/* What is still free of the guest's buffer. */
struct listing {
	uint8_t *to;
	uint32_t left;
	uint64_t hidden_ino;    /* stands for "..", which is outside; 0: it is inside */
};

static void put(struct listing *list, const void *bytes, size_t len)
{
	const uint32_t n = len < list->left ? (uint32_t)len : list->left;

	memcpy(list->to, bytes, n);
	list->to += n;
	list->left -= n;
}

static void put_entry(struct listing *list, const struct entry *entry)
{
	const bool hide = list->hidden_ino && strcmp(entry->name, "..") == 0;
	const uint32_t len = (uint32_t)strlen(entry->name);
	uint8_t head[SIZE_DIRENT] = { 0 };

	memory_put64(head, entry->next);
	memory_put64(head + 8, hide ? list->hidden_ino : entry->ino);
	memory_put32(head + 16, len);
	head[20] = entry_type(entry->type);
	put(list, head, sizeof(head));
	put(list, entry->name, len);
}

static uint32_t list(int fd, struct listing *out)
{
	_Alignas(struct entry) NO_INIT char bytes[8192];
	long n;

	while (out->left && (n = syscall(SYS_getdents64, fd, bytes, sizeof(bytes))) != 0) {
		if (n < 0)
			return wasi_errno_of(errno);
		for (long at = 0; at < n && out->left;) {
			const struct entry *const entry = (const void *)(bytes + at);

			put_entry(out, entry);
			at += entry->len;
		}
	}
	return WASI_SUCCESS;
}

uint32_t wasi_fd_readdir(struct wasi *w, uint32_t fd, uint32_t buffer, uint32_t len, uint64_t cookie, uint32_t out)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_DIRECTORY, RIGHT_FD_READDIR, &why);
	struct listing listing = { .to = memory_at(&w->memory, buffer, len), .left = len };
	struct stat st;

	if (!slot)
		return why;
	if (!listing.to || !memory_at(&w->memory, out, 4))
		return WASI_FAULT;
	/* A cookie is a position the kernel gave; one that it did not give it refuses, or nothing is there. */
	if (lseek(slot->fd, (off_t)cookie, SEEK_SET) < 0 || fstat(slot->fd, &st) < 0)
		return wasi_errno_of(errno);
	listing.hidden_ino = slot->is_top ? st.st_ino : 0;
	why = list(slot->fd, &listing);
	if (why == WASI_SUCCESS)
		memory_store32(&w->memory, out, len - listing.left);
	return why;
}
