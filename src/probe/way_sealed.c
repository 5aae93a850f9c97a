/* The same by the calls that an engine's process keeps. What has no such call is not here: the attempt is made
 * with the usual one, and the seal ends it. */
#include "probe/way.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int way_open(const char *path, int flags, mode_t mode)
{
	/* openat2(2) refuses what open(2) overlooks: a mode for a file that is not made. */
	const struct open_how how = { .flags = (unsigned)flags, .mode = flags & O_CREAT ? mode : 0 };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

DIR *way_opendir(const char *path)
{
	const int fd = way_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	return fd < 0 ? NULL : fdopendir(fd);
}

ssize_t way_read(int fd, void *out, size_t n)
{
	const struct iovec part = { out, n };

	return readv(fd, &part, 1);
}

ssize_t way_pread(int fd, void *out, size_t n, off_t at)
{
	const struct iovec part = { out, n };

	return preadv(fd, &part, 1, at);
}

ssize_t way_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	const struct iovec part = { (void *)(uintptr_t)bytes, n };

	return pwritev(fd, &part, 1, at);
}

int way_dup(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int way_mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int way_rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int way_unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int way_symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

int way_link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int way_exists(const char *path)
{
	struct stat st;

	return fstatat(AT_FDCWD, path, &st, 0);
}

int way_make_file(const char *path)
{
	const int fd = way_open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : close(fd);
}

/* A process's first thread has its number. */
int way_kill(pid_t pid, int signal)
{
	return (int)syscall(SYS_tgkill, pid, pid, signal);
}

/* The question is refused, but the answer is known. */
pid_t way_parent(void)
{
	return 1;
}

/* Done before the seal, by whoever starts it. */
void way_ignore(int signal)
{
	(void)signal;
}
