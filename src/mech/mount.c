/* Mounts by descriptor. Refuses links on the way and objects that are not what they were. */
#include "mech/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/ns.h"

#define ANY_LINK (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* "/a/b" beneath the new root is "a/b"; the root itself is ".". */
static const char *beneath(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static int open_beneath(int root_fd, const char *path, uint64_t flags, uint64_t mode)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_BENEATH | ANY_LINK };

	return (int)syscall(SYS_openat2, root_fd, beneath(path), &how, sizeof(how));
}

static int set_attr(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear, struct err *e)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = MS_PRIVATE };

	if (syscall(SYS_mount_setattr, fd, path, flags | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(e, "mount_setattr");
	return 0;
}

int mount_all_private(struct err *e)
{
	return set_attr(AT_FDCWD, "/", 0, 0, 0, e);
}

int mount_clone(int fd, bool recursive, struct err *e)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	int copy = (int)syscall(SYS_open_tree, fd, "", flags | (recursive ? AT_RECURSIVE : 0));

	if (copy < 0 && errno == EINVAL && !recursive)
		copy = (int)syscall(SYS_open_tree, fd, "", flags | AT_RECURSIVE);
	return copy < 0 ? err_sys(e, "open_tree") : copy;
}

int mount_clone_again(int fd, const char *path, bool recursive, struct err *e)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = ANY_LINK };
	struct stat was, is;
	const int here = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	int copy;

	if (here < 0)
		return err_sys(e, "open %s again", path);
	if (fstat(fd, &was) < 0 || fstat(here, &is) < 0 || was.st_dev != is.st_dev || was.st_ino != is.st_ino) {
		close(here);
		return err_set(e, ERR_CONFLICT, "%s is no longer what was granted; it was replaced "
			       "while the box was being made", path);
	}
	copy = mount_clone(here, recursive, e);
	close(here);
	return copy;
}

/* A mount takes its map from a user namespace; this one lives for three system calls. */
static int map_namespace(uint32_t owner_uid, uint32_t owner_gid, uint32_t as_uid, uint32_t as_gid, struct err *e)
{
	char path[48];
	int pid_fd = -1, fd = -1;
	const pid_t pid = ns_clone(CLONE_NEWUSER, -1, &pid_fd, e);

	if (pid < 0)
		return -1;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		pause();
		_exit(0);
	}
	if (ns_map(pid, false, owner_uid, as_uid, e) == 0 && ns_map(pid, true, owner_gid, as_gid, e) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err_sys(e, "open %s", path);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pid_fd);
	return fd;
}

int mount_map_owner(int mount_fd, uint32_t owner_uid, uint32_t owner_gid, uint32_t as_uid,
		    uint32_t as_gid, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	const int ns_fd = map_namespace(owner_uid, owner_gid, as_uid, as_gid, e);
	long status;

	if (ns_fd < 0)
		return -1;
	attr.userns_fd = (uint64_t)ns_fd;
	status = syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
	if (status < 0)
		err_sys(e, "this file system cannot show its owner's files as the box's own (idmapped mount)");
	close(ns_fd);
	return status < 0 ? -1 : 0;
}

static uint64_t attr_bits(unsigned attr)
{
	return MOUNT_ATTR_NOSUID | (attr & MOUNT_RO ? MOUNT_ATTR_RDONLY : 0) |
	       (attr & MOUNT_NX ? MOUNT_ATTR_NOEXEC : 0) | (attr & MOUNT_DEV ? 0 : MOUNT_ATTR_NODEV);
}

int mount_restrict(int mount_fd, unsigned attr, struct err *e)
{
	return set_attr(mount_fd, "", AT_EMPTY_PATH, attr_bits(attr), 0, e);
}

struct option {
	const char *key, *value; /* value NULL: a flag */
};

static int new_fs(const char *type, const struct option *options, size_t n, uint64_t attr, struct err *e)
{
	const int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int mount_fd;

	if (fs < 0)
		return err_sys(e, "fsopen %s", type);
	for (size_t i = 0; i < n; i++)
		if (options[i].key && syscall(SYS_fsconfig, fs, options[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
					      options[i].key, options[i].value, 0) < 0) {
			err_sys(e, "%s: option %s=%s", type, options[i].key, options[i].value ? options[i].value : "");
			close(fs);
			return -1;
		}
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		err_sys(e, "create a %s file system", type);
		close(fs);
		return -1;
	}
	mount_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attr);
	if (mount_fd < 0)
		err_sys(e, "fsmount %s", type);
	close(fs);
	return mount_fd;
}

int mount_new_tmpfs(uint64_t bytes, uint64_t inodes, const char *mode, unsigned attr, struct err *e)
{
	char size[24], count[24];
	const struct option options[] = {
		{ "mode", mode },
		{ bytes ? "size" : NULL, size },
		{ inodes ? "nr_inodes" : NULL, count },
	};

	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	snprintf(count, sizeof(count), "%llu", (unsigned long long)inodes);
	return new_fs("tmpfs", options, ARRAY_SIZE(options), attr_bits(attr), e);
}

int mount_new_proc(bool own_pids_only, struct err *e)
{
	/* subset=pid leaves out all that is not about a process; hidepid keeps the box's first process
	 * from the program's eyes. */
	const struct option options[] = { { "subset", "pid" }, { "hidepid", "invisible" } };

	return new_fs("proc", options, own_pids_only ? ARRAY_SIZE(options) : 0, attr_bits(MOUNT_NX), e);
}

int mount_new_devpts(struct err *e)
{
	const struct option options[] = { { "mode", "620" }, { "ptmxmode", "666" }, { "max", "64" } };

	return new_fs("devpts", options, ARRAY_SIZE(options), attr_bits(MOUNT_NX | MOUNT_DEV), e);
}

int mount_place(int mount_fd, int root_fd, const char *path, struct err *e)
{
	const int place = open_beneath(root_fd, path, O_PATH | O_NOFOLLOW, 0);
	int status = 0;

	if (place < 0)
		status = err_sys(e, "open the place %s", path);
	else if (syscall(SYS_move_mount, mount_fd, "", place, "",
			 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		status = err_sys(e, "mount at %s", path);
	if (place >= 0)
		close(place);
	close(mount_fd);
	return status;
}

int mount_attach_root(int root_fd, struct err *e)
{
	if (syscall(SYS_move_mount, root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "attach the new root");
	return 0;
}

int mount_pivot(int root_fd, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	char cwd[8] = "";

	if (syscall(SYS_mount_setattr, root_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(e, "make the new root read-only");
	if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "detach the old root");
	if (chdir("/") < 0 || !getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		return err_set(e, ERR_BUG, "the working directory is not the new root");
	return 0;
}

/* Splits "/a/b/c" into an opened "/a/b" and the name "c". What is above "/a" is open: root_fd. */
static int open_parent(int root_fd, const char *path, const char **name, struct err *e)
{
	const char *const slash = strrchr(path, '/');
	char parent[4096];
	int fd;

	*name = slash + 1;
	if (slash == path)
		return root_fd;
	if ((size_t)(slash - path) >= sizeof(parent))
		return err_set(e, ERR_LIMIT, "path too long");
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	fd = open_beneath(root_fd, parent, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_sys(e, "open the directory of %s", path) : fd;
}

static void close_parent(int fd, int root_fd)
{
	if (fd != root_fd)
		close(fd);
}

int mount_mkdir(int root_fd, const char *path, unsigned mode, struct err *e)
{
	const char *name;
	const int fd = open_parent(root_fd, path, &name, e);
	int status = 0;

	if (fd < 0)
		return -1;
	if (mkdirat(fd, name, mode) < 0 && errno != EEXIST)
		status = err_sys(e, "make the directory %s", path);
	close_parent(fd, root_fd);
	return status;
}

int mount_mkfile(int root_fd, const char *path, const char *contents, unsigned mode, struct err *e)
{
	const size_t len = strlen(contents);
	const int fd = open_beneath(root_fd, path, O_WRONLY | O_CREAT | O_EXCL, mode);
	ssize_t wrote;

	if (fd < 0)
		return err_sys(e, "make the file %s", path);
	wrote = len ? write(fd, contents, len) : 0;
	close(fd);
	return wrote == (ssize_t)len ? 0 : err_sys(e, "write %s", path);
}

int mount_mklink(int root_fd, const char *path, const char *target, struct err *e)
{
	const char *name;
	const int fd = open_parent(root_fd, path, &name, e);
	int status = 0;

	if (fd < 0)
		return -1;
	if (symlinkat(target, fd, name) < 0)
		status = err_sys(e, "make the link %s", path);
	close_parent(fd, root_fd);
	return status;
}
