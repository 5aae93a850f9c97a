/* Tries namespaces and mounts: in namespaces of the child's own, which end with it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mech/mount.h"
#include "mech/ns.h"
#include "mech/probe_try.h"

#define USERNS_FIX                                                                                 \
	"run ward as root, or allow user namespaces (the line above says what forbids them)"

static enum tried userns(long arg, struct err *said)
{
	(void)arg;
	if (!try_enter_userns())
		return TRIED_NO;
	return geteuid() == 0 ? TRIED_YES : try_deny(said, "made, but its id map does not hold");
}

static int is_first(void)
{
	return getpid() != 1;
}

static enum tried namespace(long flag, struct err *said) {
	if (!try_enter_userns()) return try_skip(said, "needs a user namespace");
	if (unshare((int)flag) < 0) return TRIED_NO;
	if (flag == CLONE_NEWPID &&
	    try_in_child(is_first) !=
		0) return try_deny(said, "the first process inside is not process 1");
	return TRIED_YES;
}

static enum tried timens(long arg, struct err *said)
{
	(void)arg;
	if (!try_enter_userns())
		return try_skip(said, "needs a user namespace");
	return ns_time(said) < 0 ? TRIED_NO : TRIED_YES;
}

static enum tried nesting(long arg, struct err *said)
{
	(void)arg;
	if (!try_enter_userns())
		return try_skip(said, "needs a user namespace");
	if (ns_no_nesting(said) < 0)
		return TRIED_NO;
	return unshare(CLONE_NEWUSER) < 0 ? TRIED_YES
					  : try_deny(said, "a further one could be made");
}

/* Namespaces in which mounting is allowed and harms nobody. */
static bool enter_mounts(int more)
{
	struct err ignored;

	return try_enter_userns() && unshare(CLONE_NEWNS | more) == 0 &&
	       mount_all_private(&ignored) == 0;
}

/* The whole way a box goes: a new root, a read-only copy of the host's /usr in it, and the switch.
 */
static enum tried root(long arg, struct err *said)
{
	(void)arg;
	if (!enter_mounts(0))
		return try_skip(said, "needs a user and a mount namespace");
	const int usr = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int new_root = mount_new_tmpfs(1 << 20, 64, "755", 0, said);
	const int copy = usr < 0 || new_root < 0 ? -1 : mount_clone(usr, false, said);

	if (copy < 0 || mount_restrict(copy, MOUNT_RO, said) < 0 ||
	    mount_attach_root(new_root, said) < 0 ||
	    mount_mkdir(new_root, "/usr", 0755, said) < 0 ||
	    mount_place(copy, new_root, "/usr", said) < 0 || mount_pivot(new_root, said) < 0)
		return TRIED_NO;
	if (access("/proc", F_OK) == 0)
		return try_deny(said, "the old root can still be seen");
	if (open("/usr/ward-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 || errno != EROFS)
		return try_deny(said, "a read-only copy can be written");
	return TRIED_YES;
}

static int make_proc(void)
{
	struct err e = ERR_INIT;
	const int fd = mount_new_proc(true, &e);

	return fd < 0 ? e.sys : faccessat(fd, "1/stat", F_OK, 0) < 0 ? 200 : 0;
}

static enum tried proc(long arg, struct err *said)
{
	(void)arg;
	if (!enter_mounts(CLONE_NEWPID))
		return try_skip(said, "needs user, mount and pid namespaces");
	const int status = try_in_child(make_proc);
	if (status == 0)
		return TRIED_YES;
	if (status == EPERM)
		return try_deny(
		    said, "refused: parts of the /proc around ward are covered, as in a container");
	return try_deny(said, "%s",
			status > 0 && status < 128 ? strerror(status) : "it shows no processes");
}

static enum tried devpts(long arg, struct err *said)
{
	(void)arg;
	if (!enter_mounts(0))
		return try_skip(said, "needs a user and a mount namespace");
	return mount_new_devpts(said) < 0 ? TRIED_NO : TRIED_YES;
}

static bool option(int fs, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key,
		       value, 0) == 0;
}

static bool create(int fs)
{
	return syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
}

static enum tried overlay(long arg, struct err *said)
{
	struct err ignored;

	(void)arg;
	if (!enter_mounts(0))
		return try_skip(said, "needs a user and a mount namespace");
	const int scratch = mount_new_tmpfs(1 << 20, 64, "755", 0, &ignored);
	if (scratch < 0 || mkdirat(scratch, "upper", 0755) < 0 ||
	    mkdirat(scratch, "work", 0755) < 0 ||
	    syscall(SYS_move_mount, scratch, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return try_skip(said, "no scratch space at /tmp");
	const int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	if (fs < 0 || !option(fs, "lowerdir", "/usr") || !option(fs, "upperdir", "/tmp/upper") ||
	    !option(fs, "workdir", "/tmp/work") || !create(fs))
		return TRIED_NO;
	return TRIED_YES;
}

/* Only the real root may: a user namespace's tmpfs cannot be pinned in memory. */
static enum tried noswap(long arg, struct err *said)
{
	(void)arg;
	(void)said;
	if (unshare(CLONE_NEWNS) < 0 && !enter_mounts(0))
		return TRIED_NO;
	const int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	return fs >= 0 && option(fs, "noswap", NULL) && create(fs) ? TRIED_YES : TRIED_NO;
}

static enum tried idmapped(long arg, struct err *said)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0)
		return try_deny(said, "only root may: %s", strerror(errno));
	const int usr = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int copy = usr < 0 ? -1 : mount_clone(usr, false, said);
	return copy < 0 || mount_map_owner(copy, 0, 0, 65534, 65534, said) < 0 ? TRIED_NO
									       : TRIED_YES;
}

const struct try try_namespaces[] = {
    {"user namespace", userns, 0, NULL,
     "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
     "kernel.apparmor_restrict_unprivileged_userns=0; in a container: a seccomp profile that "
     "allows it",
     true, false},
    {"mount namespace", namespace, CLONE_NEWNS, NULL, USERNS_FIX, true, false},
    {"pid namespace", namespace, CLONE_NEWPID, NULL, USERNS_FIX, true, false},
    {"network namespace", namespace, CLONE_NEWNET, NULL, USERNS_FIX, true, false},
    {"ipc namespace", namespace, CLONE_NEWIPC, NULL, USERNS_FIX, true, false},
    {"uts namespace", namespace, CLONE_NEWUTS, NULL, USERNS_FIX, true, false},
    {"cgroup namespace", namespace, CLONE_NEWCGROUP, "4.6", USERNS_FIX, true, false},
    {"time namespace", timens, 0, "5.6", "a kernel with CONFIG_TIME_NS", false, false},
    {"no nested namespaces", nesting, 0, "4.9", USERNS_FIX, true, false},
    {"root of its own", root, 0, "5.12", "run ward as root, or outside of the container", true,
     false},
    {"proc of its own", proc, 0, "5.8",
     "run the outer container with an uncovered /proc (--security-opt systempaths=unconfined), or "
     "use -b process",
     true, false},
    {"devpts of its own", devpts, 0, NULL, "terminals on request (--tty) need it", false, false},
    {"overlay", overlay, 0, "5.11", "modprobe overlay", false, false},
    {"tmpfs noswap", noswap, 0, "6.4", "swapoff -a, or a swap limit of 0", false, false},
    {"idmapped mount", idmapped, 0, NULL,
     "run ward as root, on a file system that can (Linux 5.12; tmpfs 6.3); else files keep their "
     "owners",
     false, false},
    {.name = NULL},
};
