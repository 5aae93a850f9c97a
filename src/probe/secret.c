/* The marker file outside every grant, world-readable on purpose: each way there is tried. */
#include "probe/attempts.h"
#include "probe/spawn.h"
#include "probe/way.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct outcome no_marker(void)
{
	return outcome_skipped("no marker");
}

/* Opened and really the marker: another file of that name inside the box is no leak. */
static struct outcome marker_read(const struct scene *scene, const char *path)
{
	char text[128] = "";
	const int fd = way_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0)
		return outcome_refused(errno);
	const ssize_t n = way_read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return outcome_refused(errno);
	return outcome_state(scene->token && strstr(text, scene->token),
			     "the marker's text was read", "another file");
}

struct outcome try_secret_read(GIVEN)
{
	return scene->secret ? marker_read(scene, scene->secret) : no_marker();
}

/* By way of a directory that leads to the host's root: .path is what to put before the marker's
 * path. */
struct outcome try_secret_through(GIVEN)
{
	char path[512];

	if (!scene->secret)
		return no_marker();
	snprintf(path, sizeof(path), "%s%s", row->path, scene->secret);
	return marker_read(scene, path);
}

struct outcome try_secret_symlink(GIVEN)
{
	char link[256];

	if (!scene->secret)
		return no_marker();
	if (!scene_file(scene, "symlink", link, sizeof(link)))
		return outcome_skipped("no scratch directory");
	if (way_symlink(scene->secret, link) < 0)
		return outcome_refused(errno);
	const struct outcome outcome = marker_read(scene, link);

	way_unlink(link);
	return outcome;
}

struct outcome try_secret_hardlink(GIVEN)
{
	char link_path[256];

	if (!scene->secret)
		return no_marker();
	if (!scene_file(scene, "hardlink", link_path, sizeof(link_path)))
		return outcome_skipped("no scratch directory");
	const struct outcome outcome = outcome_of(way_link(scene->secret, link_path));

	way_unlink(link_path);
	return outcome;
}

struct outcome try_secret_write(GIVEN)
{
	return scene->secret ? outcome_of(way_open(scene->secret, O_WRONLY | O_APPEND | O_CLOEXEC, 0)) :
			       no_marker();
}

struct outcome try_secret_truncate(GIVEN)
{
	struct stat stat_now;

	if (!scene->secret)
		return no_marker();
	if (stat(scene->secret, &stat_now) < 0)
		return outcome_refused(errno);
	return outcome_of(truncate(scene->secret, stat_now.st_size));
}

struct outcome try_secret_stat(GIVEN)
{
	struct stat stat_now;

	return scene->secret ? outcome_of(stat(scene->secret, &stat_now)) : no_marker();
}

struct outcome try_secret_path(GIVEN)
{
	return scene->secret ? outcome_of(way_open(scene->secret, O_PATH | O_CLOEXEC, 0)) : no_marker();
}

struct outcome try_secret_list(GIVEN)
{
	if (!scene->secret_dir)
		return no_marker();
	return outcome_of(way_opendir(scene->secret_dir) ? 0 : -1);
}

struct outcome try_secret_create(GIVEN)
{
	char path[512];

	if (!scene->secret_dir)
		return no_marker();
	snprintf(path, sizeof(path), "%s/made-inside", scene->secret_dir);
	const struct outcome outcome =
		outcome_of(way_open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));

	way_unlink(path);
	return outcome;
}

struct outcome try_secret_chdir(GIVEN)
{
	return scene->secret_dir ? outcome_of(chdir(scene->secret_dir)) : no_marker();
}

struct outcome try_secret_chmod(GIVEN)
{
	return scene->secret ? outcome_of(chmod(scene->secret, 0644)) : no_marker();
}

struct outcome try_secret_time(GIVEN)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

	return scene->secret ? outcome_of(utimensat(AT_FDCWD, scene->secret, now, 0)) : no_marker();
}

struct outcome try_secret_xattr(GIVEN)
{
	if (!scene->secret)
		return no_marker();
	return outcome_past(setxattr(scene->secret, "user.ward-probe", "x", 1, 0), EOPNOTSUPP, 0);
}

struct outcome try_secret_watch(GIVEN)
{
	if (!scene->secret)
		return no_marker();
	const int fd = inotify_init1(IN_CLOEXEC);

	return fd < 0 ? outcome_refused(errno) :
			outcome_of(inotify_add_watch(fd, scene->secret, IN_MODIFY));
}

struct outcome try_secret_exec(GIVEN)
{
	return scene->tool ? spawn_program(scene, row, scene->tool, NULL) : no_marker();
}
