/* Facts about mounts: the new API, what a user namespace may mount, and mounts carried by
 * descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "facts.h"

#define MS_PRIVATE_  0x40000u /* sys/mount.h clashes with linux/mount.h in glibc 2.36 */
#define MOVE_BENEATH 0x200u   /* linux/mount.h, 6.5 */
#define CMD_EXCL     8u       /* FSCONFIG_CMD_CREATE_EXCL, 6.6 */

static int fs_open(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static int fs_set(int fs, const char *key, const char *value)
{
	const unsigned how = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	return (int)syscall(SYS_fsconfig, fs, how, key, value, 0);
}

static int fs_mount(int fs, unsigned attrs)
{
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
}

static int tree(int at, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, at, path, flags | OPEN_TREE_CLOEXEC);
}

static int move_to(int from, const char *path, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, "", AT_FDCWD, path,
			    MOVE_MOUNT_F_EMPTY_PATH | flags);
}

static int set_attr(int fd, const char *path, unsigned flags, struct mount_attr attr)
{
	return (int)syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof(attr));
}

/* A mount namespace in which nothing travels back. */
static bool enter_mountns(int flags)
{
	return enter_userns(CLONE_NEWNS | flags) &&
	       set_attr(AT_FDCWD, "/", AT_RECURSIVE,
			(struct mount_attr){.propagation = MS_PRIVATE_}) == 0;
}

static int tmpfs(const char *key, const char *value)
{
	const int fs = fs_open("tmpfs");

	if (fs < 0 || (key && fs_set(fs, key, value) < 0))
		return -1;
	return fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

static void userns(void)
{
	char clone[32], max[32];

	get_line("/proc/sys/kernel/unprivileged_userns_clone", clone, sizeof(clone));
	get_line("/proc/sys/user/max_user_namespaces", max, sizeof(max));
	if (!enter_userns(0))
		say(false, "%s; unprivileged_userns_clone %s, max_user_namespaces %s",
		    strerrorname_np(errno), clone, max);
	say(true, "unprivileged_userns_clone %s, max_user_namespaces %s", clone, max);
}

static void userns_nested(void)
{
	say_rc(enter_userns(0) && enter_userns(CLONE_NEWNS) ? 0 : -1);
}

static void all_namespaces(void)
{
	say_rc(enter_userns(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			    CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME)
		   ? 0
		   : -1);
}

static void time_offsets(void)
{
	say_rc(enter_userns(CLONE_NEWTIME) &&
		       put_file("/proc/self/timens_offsets", "boottime 1000 0")
		   ? 0
		   : -1);
}

static void new_tmpfs(void)
{
	say_rc(enter_mountns(0) ? move_to(tmpfs("size", "1M"), "/mnt", 0) : -1);
}

static void tmpfs_inodes(void)
{
	say_rc(enter_mountns(0) ? tmpfs("nr_inodes", "100") : -1);
}

static void tmpfs_noswap(void)
{
	if (getuid() != 0 && !enter_mountns(0))
		say(false, NULL);
	say_rc(tmpfs("noswap", NULL));
}

static void tmpfs_xattr(void)
{
	char path[64];

	if (!enter_mountns(0))
		say(false, NULL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", tmpfs(NULL, NULL));
	say_rc(setxattr(path, "user.x", "y", 1, 0));
}

static void tree_clone(void)
{
	say_rc(enter_mountns(0)
		   ? move_to(tree(AT_FDCWD, "/usr", OPEN_TREE_CLONE | AT_RECURSIVE), "/mnt", 0)
		   : -1);
}

static void setattr_recursive(void)
{
	const struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
						    MOUNT_ATTR_NODEV};

	if (!enter_mountns(0))
		say(false, NULL);
	say_rc(set_attr(tree(AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE), "",
			AT_EMPTY_PATH | AT_RECURSIVE, attr));
}

static void setattr_nosymfollow(void)
{
	const struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSYMFOLLOW};

	if (!enter_mountns(0))
		say(false, NULL);
	say_rc(set_attr(tree(AT_FDCWD, "/usr", OPEN_TREE_CLONE), "", AT_EMPTY_PATH, attr));
}

/* A descriptor of a user namespace that maps 0 to 1000. */
static int other_userns(void)
{
	char path[64];
	int ready[2], fd;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], path, 1) != 1)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	put_file(path, "0 1000 1");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	put_file(path, "0 1000 1");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

static void idmapped_tmpfs(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	const int ns = other_userns();

	if (ns < 0)
		say(false, NULL);
	attr.userns_fd = (unsigned)ns;
	say_rc(set_attr(tmpfs(NULL, NULL), "", AT_EMPTY_PATH, attr));
}

struct proc_mount {
	const char *key, *value;
	bool as_is;
};

static int mount_proc(void *with)
{
	const struct proc_mount *want = with;
	const int fs = fs_open("proc");

	if (fs < 0 || (want->key && fs_set(fs, want->key, want->value) < 0))
		return errno;
	return fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) < 0 ? errno
											  : 0;
}

static void proc_with(const char *key, const char *value)
{
	struct proc_mount want = {.key = key, .value = value};

	if (!enter_mountns(CLONE_NEWPID))
		say(false, NULL);
	errno = in_child(mount_proc, &want);
	say_rc(errno ? -1 : 0);
}

static void proc_plain(void)
{
	proc_with(NULL, NULL);
}

static void proc_subset(void)
{
	proc_with("subset", "pid");
}

static void proc_hidepid(void)
{
	proc_with("hidepid", "invisible");
}

/* With something mounted over part of /proc, as in every container: may a nested proc still be
 * made? */
static void masked_then(const char *key, const char *value)
{
	const int null = enter_mountns(0) ? tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE) : -1;

	if (null < 0 || move_to(null, "/proc/kallsyms", 0) < 0)
		say(false, NULL);
	struct proc_mount want = {.key = key, .value = value};
	if (!enter_userns(CLONE_NEWNS | CLONE_NEWPID))
		say(false, NULL);
	errno = in_child(mount_proc, &want);
	say_rc(errno ? -1 : 0);
}

static void proc_below_mask(void)
{
	masked_then(NULL, NULL);
}

static void proc_subset_below_mask(void)
{
	masked_then("subset", "pid");
}

static void mount_type(const char *type, int flags)
{
	say_rc(enter_mountns(flags) ? fs_mount(fs_open(type), 0) : -1);
}

static void sysfs_mount(void)
{
	mount_type("sysfs", CLONE_NEWNET);
}

static void cgroup2_mount(void)
{
	mount_type("cgroup2", CLONE_NEWCGROUP);
}

static void devpts_mount(void)
{
	mount_type("devpts", 0);
}

static void mqueue_mount(void)
{
	mount_type("mqueue", CLONE_NEWIPC);
}

static void overlay_mount(void)
{
	int fs;

	if (!enter_mountns(0) || move_to(tmpfs(NULL, NULL), "/mnt", 0) < 0 ||
	    mkdir("/mnt/u", 0700) < 0 || mkdir("/mnt/w", 0700) < 0)
		say(false, NULL);
	fs = fs_open("overlay");
	if (fs < 0 || fs_set(fs, "lowerdir", "/usr") < 0 || fs_set(fs, "upperdir", "/mnt/u") < 0 ||
	    fs_set(fs, "workdir", "/mnt/w") < 0)
		say(false, NULL);
	say_rc(fs_mount(fs, 0));
}

static void move_beneath(void)
{
	if (!enter_mountns(0) || move_to(tmpfs(NULL, NULL), "/mnt", 0) < 0)
		say(false, NULL);
	say_rc(move_to(tmpfs(NULL, NULL), "/mnt", MOVE_BENEATH));
}

static void create_excl(void)
{
	say_rc(enter_mountns(0) ? syscall(SYS_fsconfig, fs_open("tmpfs"), CMD_EXCL, NULL, NULL, 0)
				: -1);
}

static int take_detached(void *with)
{
	return enter_mountns(0) && move_to(*(int *)with, "/mnt", 0) == 0 ? 0 : errno;
}

/* Parent makes a detached copy; a child in a user and mount namespace of its own attaches it. */
static void detached_across(void)
{
	int fd;

	if (getuid() != 0 && !enter_mountns(0))
		say(false, NULL);
	fd = tree(AT_FDCWD, "/usr", OPEN_TREE_CLONE);
	if (fd < 0)
		say(false, NULL);
	errno = in_child(take_detached, &fd);
	say_rc(errno ? -1 : 0);
}

/* As before, the copy being a new tmpfs that the parent made. */
static void detached_tmpfs_across(void)
{
	int fd;

	if (getuid() != 0 && !enter_mountns(0))
		say(false, NULL);
	fd = tmpfs("size", "1M");
	if (fd < 0)
		say(false, NULL);
	errno = in_child(take_detached, &fd);
	say_rc(errno ? -1 : 0);
}

/* A plain descriptor of the parent's mount, cloned after entering another mount namespace. */
static void foreign_fd_clone(void)
{
	const int fd = open("/usr", O_PATH | O_CLOEXEC);

	say_rc(enter_mountns(0) ? tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH) : -1);
}

static void pivot(void)
{
	if (!enter_mountns(0) ||
	    move_to(tree(AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE), "/mnt", 0) < 0 ||
	    chdir("/mnt") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		say(false, NULL);
	say_rc(syscall(SYS_umount2, ".", 2)); /* MNT_DETACH */
}

static void statx_mount_id(void)
{
	struct statx out;

	if (statx(AT_FDCWD, "/", 0, 0x1000u, &out) < 0) /* STATX_MNT_ID */
		say(false, NULL);
	say(out.stx_mask & 0x1000u, "mnt_id");
}

static void statx_mount_id_unique(void)
{
	struct statx out;

	if (statx(AT_FDCWD, "/", 0, 0x4000u, &out) < 0) /* STATX_MNT_ID_UNIQUE */
		say(false, NULL);
	say(out.stx_mask & 0x4000u, "mask 0x%x", out.stx_mask);
}

static void statmount(void)
{
	say_rc(syscall(457, NULL, NULL, 0, 0) < 0 && errno == ENOSYS ? -1 : 0);
}

const struct fact mount_facts[] = {
    {"userns", "3.8", userns},
    {"userns_nested", "3.8", userns_nested},
    {"userns_with_all_namespaces", "5.6", all_namespaces},
    {"timens_offsets", "5.6", time_offsets},
    {"new_mount_api_tmpfs", "5.2", new_tmpfs},
    {"tmpfs_nr_inodes", "3.8", tmpfs_inodes},
    {"tmpfs_noswap", "6.4", tmpfs_noswap},
    {"tmpfs_user_xattr", "6.6", tmpfs_xattr},
    {"open_tree_clone_bind", "5.2", tree_clone},
    {"mount_setattr_recursive", "5.12", setattr_recursive},
    {"mount_setattr_nosymfollow", "5.14", setattr_nosymfollow},
    {"idmapped_tmpfs", "6.3", idmapped_tmpfs},
    {"proc_in_userns", "3.8", proc_plain},
    {"proc_subset_pid", "5.8", proc_subset},
    {"proc_hidepid_invisible", "5.8", proc_hidepid},
    {"proc_when_proc_is_masked", "", proc_below_mask},
    {"proc_subset_when_masked", "", proc_subset_below_mask},
    {"sysfs_in_userns", "", sysfs_mount},
    {"cgroup2_in_userns", "4.6", cgroup2_mount},
    {"devpts_in_userns", "", devpts_mount},
    {"mqueue_in_userns", "", mqueue_mount},
    {"overlay_in_userns", "5.11", overlay_mount},
    {"move_mount_beneath", "6.5", move_beneath},
    {"fsconfig_create_excl", "6.6", create_excl},
    {"detached_bind_across_userns", "", detached_across},
    {"detached_tmpfs_across_userns", "", detached_tmpfs_across},
    {"clone_of_a_foreign_mount_fd", "", foreign_fd_clone},
    {"pivot_root_dot_dot", "", pivot},
    {"statx_mnt_id", "5.8", statx_mount_id},
    {"statx_mnt_id_unique", "6.8", statx_mount_id_unique},
    {"statmount", "6.8", statmount},
    {0},
};
