/* Attempts that are a path and one way to use it: the row names the path. Nothing is written to
 * what opens, and what is created is removed at once. */
#include "probe/attempts.h"
#include "probe/way.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Never wait for a device, never make it our terminal. */
#define QUIETLY (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct outcome try_open(GIVEN)
{
	return outcome_of(way_open(row->path, O_RDONLY | QUIETLY, 0));
}

struct outcome try_open_writable(GIVEN)
{
	/* ETXTBSY is a refusal too: it comes before read-only mounts and Landlock are asked
	 * (fs/open.c, do_dentry_open()), so it tells nothing of them. */
	return outcome_of(way_open(row->path, O_WRONLY | O_APPEND | QUIETLY, 0));
}

struct outcome try_granted_write(GIVEN)
{
	return scene->readable ? outcome_of(way_open(scene->readable, O_WRONLY | O_APPEND | QUIETLY, 0)) :
				 outcome_skipped("no file is granted");
}

struct outcome try_granted_replace(GIVEN)
{
	char path[512];

	if (!scene->readable)
		return outcome_skipped("no file is granted");
	snprintf(path, sizeof(path), "%s.new", scene->readable);
	const struct outcome outcome =
		outcome_of(way_open(path, O_CREAT | O_EXCL | O_WRONLY | QUIETLY, 0600));

	way_unlink(path);
	return outcome;
}

struct outcome try_read(GIVEN)
{
	char bytes[8]; /* /proc/kpagecount is read in whole entries */
	const int fd = way_open(row->path, O_RDONLY | QUIETLY, 0);

	if (fd < 0)
		return outcome_refused(errno);
	const ssize_t n = way_read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return outcome_refused(errno);
	return outcome_state(n > 0, "bytes were read", "opens, and is empty");
}

/* The directories above this program exist in the box because the harness granted it. */
static bool is_own_way(const struct scene *scene, const char *dir, const char *entry)
{
	char path[512];
	const int len = snprintf(path, sizeof(path), "%s/%s/", dir, entry);

	return scene->self && len < (int)sizeof(path) && !strncmp(scene->self, path, (size_t)len);
}

struct outcome try_list(GIVEN)
{
	DIR *const dir = way_opendir(row->path);

	if (!dir)
		return outcome_refused(errno);
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    !is_own_way(scene, row->path, entry->d_name))
			return outcome_allowed("shows %.40s", entry->d_name);
	return outcome_state(false, "", "empty");
}

static struct outcome create_file(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/.ward-probe-%d", dir, (int)getpid());
	const int fd = way_open(path, O_CREAT | O_EXCL | O_WRONLY | QUIETLY, 0600);

	if (fd < 0)
		return outcome_refused(errno);
	way_unlink(path);
	return outcome_allowed("a file was created in %s", dir);
}

struct outcome try_create(GIVEN)
{
	return create_file(row->path);
}

struct outcome try_make_directory(GIVEN)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ward-probe-%d", row->path, (int)getpid());
	if (way_mkdir(path, 0700) < 0)
		return outcome_refused(errno);
	way_rmdir(path);
	return outcome_allowed("a directory was made in %s", row->path);
}

struct outcome try_mount_flag(GIVEN)
{
	const char *const places[] = { "/", "/usr", "/bin", "/lib", "/etc", scene->scratch };
	struct statvfs stat;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i] && statvfs(places[i], &stat) == 0 && !(stat.f_flag & row->n))
			return outcome_allowed("not on %.60s", places[i]);
	return outcome_refused(0);
}

/* Character devices every program may have: mem 3 5 7 8 9, tty 5:0 and 5:2, pseudo-terminals.
 * Source: Documentation/admin-guide/devices.txt */
static bool is_plain_device(dev_t dev)
{
	static const struct {
		unsigned first, last, minor_first, minor_last;
	} plain[] = {
		{ 1, 1, 3, 3 }, { 1, 1, 5, 5 }, { 1, 1, 7, 9 },
		{ 5, 5, 0, 0 }, { 5, 5, 2, 2 }, { 136, 143, 0, -1U },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (major(dev) >= plain[i].first && major(dev) <= plain[i].last &&
		    minor(dev) >= plain[i].minor_first && minor(dev) <= plain[i].minor_last)
			return true;
	return false;
}

struct outcome try_strange_device(GIVEN)
{
	DIR *const dir = way_opendir("/dev");
	struct stat stat;

	if (!dir)
		return outcome_refused(errno);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISBLK(stat.st_mode) ||
		    (S_ISCHR(stat.st_mode) && !is_plain_device(stat.st_rdev)))
			return outcome_allowed("/dev/%.40s", entry->d_name);
	}
	return outcome_refused(0);
}

static struct outcome make_node(const struct scene *scene, mode_t type, dev_t dev)
{
	char path[256];

	if (!scene_file(scene, "node", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const struct outcome outcome = outcome_of(mknod(path, type | 0600, dev));

	way_unlink(path);
	return outcome;
}

struct outcome try_mknod_char(GIVEN)
{
	return make_node(scene, S_IFCHR, makedev(1, 3));
}

struct outcome try_mknod_block(GIVEN)
{
	return make_node(scene, S_IFBLK, makedev(7, 0));
}
