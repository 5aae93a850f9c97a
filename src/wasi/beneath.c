/* openat2(2), and the one place where a path is cut: at its last name. */
#include "wasi/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "wasi/abi.h"

#define TRIES 8

int beneath_open(int dir_fd, const char *path, uint64_t flags, uint32_t mode, uint32_t *why)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	if (fd < 0)
		*why = errno == EXDEV ? WASI_PERM : wasi_errno_of(errno);
	return (int)fd;
}

void beneath_done(struct beneath *at)
{
	fd_close_at(&at->opened);
}

/* Ends the path before its last slashes, if it has more than them. */
static bool cut_slashes(char *path)
{
	size_t len = strlen(path);
	const size_t before = len;

	while (len > 1 && path[len - 1] == '/')
		len--;
	path[len] = '\0';
	return len < before;
}

uint32_t beneath_parent(int dir_fd, char *path, struct beneath *out)
{
	struct beneath at = { .fd = dir_fd, .opened = -1 };
	char *slash;
	uint32_t why = WASI_SUCCESS;

	if (*path == '/')
		return WASI_PERM;
	at.directory = cut_slashes(path);
	slash = strrchr(path, '/');
	at.leaf = slash ? slash + 1 : path;
	if (!*at.leaf)
		return WASI_NOENT;
	if (strcmp(at.leaf, ".") == 0 || strcmp(at.leaf, "..") == 0)
		return WASI_INVAL;
	if (slash) {
		*slash = '\0';
		at.opened = beneath_open(dir_fd, path, O_PATH | O_DIRECTORY, 0, &why);
		at.fd = at.opened;
	}
	if (at.fd < 0)
		return why;
	*out = at;
	return WASI_SUCCESS;
}

uint32_t beneath_is_directory(const struct beneath *at)
{
	struct stat st;

	if (fstatat(at->fd, at->leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return wasi_errno_of(errno);
	return S_ISDIR(st.st_mode) ? WASI_SUCCESS : WASI_NOTDIR;
}
