/* Opens what a policy grants. Refuses links, all kinds but files and directories, a path that is no
 * longer what planning saw, and paths that lead into /proc or /sys by another name. */
#include "cmd/openings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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

#include "base/fd.h"
#include "model/policy_grant.h"

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
		{ ELOOP, "it leads through a symbolic link, a link of /proc, or in circles; "
			 "grant the real path" },
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

/* /dev/null and its like are the boundaries' own. */
static bool is_named_device(const struct stat *st, const char *path)
{
	return S_ISCHR(st->st_mode) && strncmp(path, "/dev/", 5) == 0;
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
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !is_named_device(&st, path->path))
		return err_set(e, ERR_DENIED,
			       "it is a device or a pipe; only files and directories can be "
			       "granted");
	if (!is_named_kernel_view(path->path) && is_kernel_view(fd))
		return err_set(e, ERR_DENIED,
			       "it leads into /proc or /sys, which are never granted; "
			       "remove the grant");
	return 0;
}

static int open_at(const char *path, bool follow_last, bool follow)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow_last ? 0u : O_NOFOLLOW),
		.resolve = RESOLVE_NO_MAGICLINKS | (follow ? 0u : RESOLVE_NO_SYMLINKS),
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

int openings_open_path(const struct policy *policy, const struct opened_path *path, struct err *e)
{
	const int fd = open_at(path->path, path->follow, path->follow), sys = errno;

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

/* A path on its way from / to where it leads. */
struct way {
	char at[PATH_MAX];      /* so far, without links */
	char rest[PATH_MAX];    /* of the path, and of links met */
	int fd;                 /* of at */
	bool roots;             /* only root can change what lies on the way so far */
};
#define WAY_NONE ((struct way){ .fd = -1 })

static void way_done(struct way *way)
{
	fd_close(way->fd);
	way->fd = -1;
}

static bool is_roots(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Begins at / with `at`, "/", `target` (alone when absolute), "/", and what was left. */
static int start(struct way *way, const char *target)
{
	char rest[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s/%s", *target == '/' ? "" : way->at, target,
			     way->rest) >= sizeof(rest))
		return -1;
	memcpy(way->rest, rest, sizeof(rest));
	way->at[0] = '\0';
	fd_close(way->fd);
	way->fd = open("/", O_PATH | O_CLOEXEC);
	way->roots = way->fd >= 0 && fstat(way->fd, &st) == 0 && is_roots(&st);
	return way->fd < 0 ? -1 : 0;
}

static void enter(struct way *way, const char *name, const struct stat *st, int fd)
{
	char *const last = strrchr(way->at, '/');
	const size_t len = strlen(way->at);

	if (strcmp(name, "..") == 0 && last)
		*last = '\0';
	else if (strcmp(name, "..") != 0)
		snprintf(way->at + len, sizeof(way->at) - len, "/%s", name);
	way->roots = way->roots && is_roots(st);
	fd_close(way->fd);
	way->fd = fd;
}

/* Whoever can change a link decides what it grants; so only root's, which root alone can replace. */
static int follow_link(struct way *way, const char *name, const struct stat *st, int fd,
		       struct err *e)
{
	char target[PATH_MAX];
	const ssize_t len = readlinkat(fd, "", target, sizeof(target) - 1);

	if (len < 0)
		return err_sys(e, "reading a link");
	target[len] = '\0';
	if (!way->roots || st->st_uid != 0)
		return err_set(e, ERR_DENIED,
			       "%.200s/%.80s on its way is a symbolic link (to %.120s) that not "
			       "only root can change; grant the real path",
			       way->at, name, target);
	return start(way, target) < 0 ? err_set(e, ERR_LIMIT, "the path is too long") : 0;
}

/* Takes one name off `rest`. Returns 1 when one was taken, 0 at the end. */
static int next_name(struct way *way, char *name, size_t cap)
{
	const char *const from = way->rest + strspn(way->rest, "/");
	const size_t len = strcspn(from, "/");

	snprintf(name, cap, "%.*s", (int)len, from);
	memmove(way->rest, from + len, strlen(from + len) + 1);
	return len > 0;
}

static bool is_last(const struct way *way)
{
	return way->rest[strspn(way->rest, "/")] == '\0';
}

/* Returns 1 at the end, 0 when something cannot be reached: opening it says why. */
static int walk(struct way *way, bool follow_last, struct err *e)
{
	char name[NAME_MAX + 2];
	unsigned links = 0;

	while (next_name(way, name, sizeof(name))) {
		OWN_FD int fd = openat(way->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			return 0;
		if (S_ISLNK(st.st_mode) && (follow_last || !is_last(way))) {
			if (++links > 40) /* as the kernel: path_resolution(7) */
				return err_set(e, ERR_USAGE, "its links lead in circles");
			if (follow_link(way, name, &st, fd, e) < 0)
				return -1;
		} else if (strcmp(name, ".") != 0) {
			enter(way, name, &st, TAKE_FD(fd));
		}
	}
	return 1;
}

/* What a policy may not name, it may not name by a link either. */
static int check_outcome(const char *at, struct err *e)
{
	const char *const owned = policy_owned_tree(at);

	if (owned)
		return err_set(e, ERR_DENIED,
			       "it leads into %s, which is never granted; remove the grant", owned);
	return *at ? 0 : err_set(e, ERR_DENIED, "it leads to /, which is never granted");
}

int openings_resolve(const char *path, bool follow_last, struct arena *arena, const char **out,
		     struct err *e)
{
	OWN(way) way = WAY_NONE;
	OWN_FD int fd = open_at(path, follow_last, false);
	int rc;

	/* Nearly always there is no link. */
	if (fd >= 0 || errno != ELOOP || start(&way, path) < 0)
		return 0;
	rc = walk(&way, follow_last, e);
	if (rc > 0)
		rc = check_outcome(way.at, e);
	else if (rc == 0)
		return 0;
	if (rc < 0)
		return -1;
	*out = arena_copy(arena, way.at, strlen(way.at));
	return 0;
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
