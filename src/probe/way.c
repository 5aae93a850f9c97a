/* The calls that programs use. */
#include "probe/way.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

int way_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

DIR *way_opendir(const char *path)
{
	return opendir(path);
}

ssize_t way_read(int fd, void *out, size_t n)
{
	return read(fd, out, n);
}

ssize_t way_pread(int fd, void *out, size_t n, off_t at)
{
	return pread(fd, out, n, at);
}

ssize_t way_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite(fd, bytes, n, at);
}

int way_dup(int fd)
{
	return dup(fd);
}

int way_mkdir(const char *path, mode_t mode)
{
	return mkdir(path, mode);
}

int way_rmdir(const char *path)
{
	return rmdir(path);
}

int way_unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int way_symlink(const char *target, const char *path)
{
	return symlink(target, path);
}

int way_link(const char *from, const char *to)
{
	return link(from, to);
}

int way_exists(const char *path)
{
	return access(path, F_OK);
}

int way_make_file(const char *path)
{
	return mknod(path, S_IFREG | 0600, 0);
}

int way_kill(pid_t pid, int signal)
{
	return kill(pid, signal);
}

pid_t way_parent(void)
{
	return getppid();
}

void way_ignore(int number)
{
	signal(number, SIG_IGN);
}
