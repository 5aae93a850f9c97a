/* Opens what a policy grants. Refuses magic links, sockets, block devices, a path that is no longer
 * what planning saw, and paths that lead into /proc or /sys by another name. */
#include "cmd/openings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Descriptors ward needs besides those of the plan: its own files, pipes, timers, listener. */
#define OWN_FDS 64

void openings_done(struct openings *openings)
{
	for (size_t i = openings->first_own; openings->fds && i < openings->n; i++)
		if (openings->fds[i] >= 0)
			close(openings->fds[i]);
	free(openings->fds);
	*openings = OPENINGS_NONE;
}

static const char *fix_for(int sys)
{
	static const struct { int sys; const char *fix; } fixes[] = {
		{ ENOENT, "create it, or remove the grant" },
		{ ENOTDIR, "a directory is expected in its path" },
		{ EACCES, "ward opens grants as its user, who may not reach it" },
		{ ELOOP, "it leads through a link of /proc, or in circles; grant the real path" },
		{ EMFILE, "raise the limit of open files (ulimit -n), or grant directories above" },
		{ ENFILE, "the system is out of open files" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixes); i++)
		if (fixes[i].sys == sys)
			return fixes[i].fix;
	return "remove the grant";
}

/* Puts the path and the line that grants it before what *e says. */
static int blame(const struct policy *policy, const char *path, struct err *e)
{
	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		if (!grant->what || strcmp(grant->what, path) != 0)
			continue;
		if (grant->origin.line)
			return err_add(e, "%.80s:%" PRIu32 ": %.120s", grant->origin.source,
				       grant->origin.line, path);
		return err_add(e, "%.80s: %.120s", grant->origin.source, path);
	}
	return err_add(e, "opening %.120s", path);
}

static bool is_kernel_view(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

/* Boundaries may name them, policies may not. */
static bool is_named_kernel_view(const char *path)
{
	return strncmp(path, "/proc", 5) == 0 || strncmp(path, "/sys", 4) == 0;
}

static int check_kind(int fd, const struct opened_path *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot be looked at");
	if (path->directory != (bool)S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFLICT,
			       "it was %sa directory a moment ago; something changes "
			       "it, try again",
			       path->directory ? "" : "not ");
	if (S_ISLNK(st.st_mode))
		return err_set(e, ERR_CONFLICT, "it is a symbolic link; grant what it points to");
	if (S_ISSOCK(st.st_mode))
		return err_set(e, ERR_DENIED,
			       "it is a socket, and with it goes the service behind it; "
			       "remove the grant");
	if (S_ISBLK(st.st_mode))
		return err_set(e, ERR_DENIED,
			       "it is a block device; mount it and grant the directory");
	if (!is_named_kernel_view(path->path) && is_kernel_view(fd))
		return err_set(e, ERR_DENIED,
			       "it leads into /proc or /sys, which are never granted; "
			       "remove the grant");
	return 0;
}

static int open_path(const struct opened_path *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (path->follow ? 0u : O_NOFOLLOW),
		.resolve = RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path->path, &how, sizeof(how));
}

int openings_open_path(const struct policy *policy, const struct opened_path *path, struct err *e)
{
	const int fd = open_path(path), sys = errno;

	if (fd < 0) {
		err_set(e, sys == ENOENT ? ERR_MISSING : ERR_SYSTEM, "%s; %s", strerror(sys),
			fix_for(sys));
		e->sys = sys;
		return blame(policy, path->path, e);
	}
	if (check_kind(fd, path, e) < 0) {
		close(fd);
		return blame(policy, path->path, e);
	}
	return fd;
}

/* The soft limit is for programs that use select(2); ward does not, and the box gets its own. */
static void raise_limit(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted + OWN_FDS)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return; /* then opening says EMFILE, with its fix */
}

int openings_open(const struct rung *rung, struct openings *out, struct err *e)
{
	const size_t n = rung->first_fd + rung->n_open;
	OWN(openings) openings = { .n = 3, .first_own = rung->first_fd };

	openings.fds = mem_alloc(n * sizeof(int));
	raise_limit(n);
	for (size_t i = 0; i < 3; i++)
		openings.fds[i] = -1;
	for (; openings.n < rung->first_fd; openings.n++)
		openings.fds[openings.n] = rung->payload->pass_numbers[openings.n - 3];
	for (size_t i = 0; i < rung->n_open; i++) {
		const int fd = openings_open_path(rung->policy, &rung->open[i], e);

		if (fd < 0)
			return -1;
		openings.fds[openings.n++] = fd;
	}
	*out = TAKE(openings, OPENINGS_NONE);
	return 0;
}
