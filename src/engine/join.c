/* The watcher's rights. Refuses to keep any that reaches beyond the box.
 *
 * Reading another task's memory asks for one of two things (kernel/ptrace.c, __ptrace_may_access): the same
 * user id and no more capabilities than the reader has, or CAP_SYS_PTRACE in the task's user namespace. */
#include "engine/join.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/peek.h"

#define NOBODY 65534

static int set_caps(uint32_t keep, struct err *e)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct sets[2] = { { .effective = keep, .permitted = keep } };

	return syscall(SYS_capset, &head, sets) < 0 ? err_sys(e, "ward's own capabilities") : 0;
}

static bool is_ours(int user_fd)
{
	struct stat theirs, ours;

	return fstat(user_fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/* Root takes the box's id for reading, real and for files, and nobody's for everything else, so that the box
 * gains no right over ward but signals, which its boundary keeps inside. */
static int take_identity(int proc_fd, int tid, struct err *e)
{
	char path[32];
	struct stat st;
	uid_t uid;
	gid_t gid;

	snprintf(path, sizeof(path), "%d", tid);
	if (geteuid() != 0)
		return 0;
	if (fstatat(proc_fd, path, &st, 0) < 0)
		return err_sys(e, "the traced program's identity");
	uid = st.st_uid ? st.st_uid : NOBODY;
	gid = st.st_gid ? st.st_gid : NOBODY;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresgid(gid, NOBODY, NOBODY) < 0)
		return err_sys(e, "ward's own identity");
	setfsgid(gid);
	if (setresuid(uid, NOBODY, NOBODY) < 0)
		return err_sys(e, "ward's own identity");
	/* Takes one of the four ids that are set, so no right is needed. */
	setfsuid(uid);
	return set_caps(1u << CAP_SYS_ADMIN, e);
}

static int enter(int user_fd, int mount_fd, struct err *e)
{
	if (setns(user_fd, CLONE_NEWUSER) < 0)
		return err_sys(e, "enter the box's user namespace");
	if (setns(mount_fd, CLONE_NEWNS) < 0)
		return err_sys(e, "enter the box's mount namespace");
	return set_caps(1u << CAP_SYS_PTRACE, e);
}

int join_box(int proc_fd, int tid, struct err *e)
{
	OWN_FD int user_fd = peek_open(proc_fd, tid, "ns/user");
	OWN_FD int mount_fd = peek_open(proc_fd, tid, "ns/mnt");

	if ((user_fd < 0 || mount_fd < 0) && (errno == EACCES || errno == EPERM))
		return err_set(e, ERR_UNSUPPORTED, "the kernel does not let this user watch the program: its file cannot be "
			       "read (make it readable), or kernel.yama.ptrace_scope is 3");
	if (user_fd < 0 || mount_fd < 0)
		return err_sys(e, "the traced program's namespaces");
	if (take_identity(proc_fd, tid, e) < 0)
		return -1;
	if ((is_ours(user_fd) ? set_caps(0, e) : enter(user_fd, mount_fd, e)) < 0)
		return -1;
	/* A change of identity forgot it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_NO_NEW_PRIVS");
	return 0;
}
