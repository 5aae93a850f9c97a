/* Changing the mount tree, by the old calls and the new ones. Mounts are made of nothing, over a
 * directory of our own, or stay detached, and are gone with the process. */
#include "probe/attempts.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABSENT "/ward-probe-no-such-directory"

struct outcome try_mount_unknown(GIVEN)
{
	return outcome_past(mount("none", "/", "ward_no_such_fs", 0, NULL), ENODEV, 0);
}

/* A directory to mount over: ours alone, removed again. */
static struct outcome mount_over(const struct scene *scene, const char *type, unsigned long flags)
{
	char dir[256];

	if (!scene_file(scene, "mount", dir, sizeof(dir)))
		return outcome_skipped("no scratch directory");
	if (way_mkdir(dir, 0700) < 0 && errno != EEXIST)
		return outcome_refused(errno);
	const long rc = mount(type ? "none" : dir, dir, type, flags, NULL);
	const struct outcome outcome = outcome_of(rc);

	if (rc == 0)
		umount2(dir, MNT_DETACH);
	way_rmdir(dir);
	return outcome;
}

struct outcome try_mount_tmpfs(GIVEN)
{
	return mount_over(scene, "tmpfs", MS_NOSUID | MS_NODEV);
}

struct outcome try_mount_bind(GIVEN)
{
	return mount_over(scene, NULL, MS_BIND);
}

struct outcome try_umount(GIVEN)
{
	/* fs/namespace.c, do_umount(): MNT_EXPIRE on the process's own root is EINVAL, past the
	 * right */
	return outcome_past(umount2("/", MNT_EXPIRE), EINVAL, EAGAIN);
}

struct outcome try_pivot_root(GIVEN)
{
	return outcome_past(syscall(SYS_pivot_root, ABSENT, ABSENT), ENOENT, 0);
}

struct outcome try_fsopen(GIVEN)
{
	return outcome_of(syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */));
}

struct outcome try_fspick(GIVEN)
{
	return outcome_past(syscall(SYS_fspick, AT_FDCWD, ABSENT, 0), ENOENT, 0);
}

struct outcome try_open_tree(GIVEN)
{
	return outcome_of(
		syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC));
}

struct outcome try_move_mount(GIVEN)
{
	return outcome_past(
		syscall(SYS_move_mount, -1, "", -1, "", 4 /* MOVE_MOUNT_F_EMPTY_PATH */), EBADF,
		ENOENT);
}

struct outcome try_mount_setattr(GIVEN)
{
	const uint64_t attr[4] = { 1 /* MOUNT_ATTR_RDONLY */ };

	return outcome_past(syscall(SYS_mount_setattr, AT_FDCWD, ABSENT, 0, attr, sizeof(attr)),
			    ENOENT, 0);
}
