/* Facts about this kernel and user that cost no child: numbers are read, nothing is tried out. */
#include "mech/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mech/cgroup.h"
#include "mech/landlock.h"

#define PR_GET_MDWE_ 66 /* linux/prctl.h of 6.3 */

uint32_t probe_kernel(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(release, "%3u.%3u.%3u", &major, &minor, &patch) < 2 || major > 255 ||
	    minor > 255)
		return 0;
	return major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
}

long probe_number(const char *path, long otherwise)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "", *end;
	long number;

	if (fd < 0)
		return otherwise;
	const ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	number = strtol(text, &end, 10);
	return len > 0 && end != text && (*end == '\n' || *end == 0) ? number : otherwise;
}

static uint64_t effective_caps(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {{0}};

	if (syscall(SYS_capget, &header, sets) < 0)
		return 0;
	return sets[0].effective | (uint64_t)sets[1].effective << 32;
}

/* Ubuntu's restriction spares programs that have an AppArmor profile of their own. */
static bool is_unconfined(void)
{
	const int fd = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	const ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return len <= 0 || strncmp(text, "unconfined", 10) == 0;
}

/* A filter around us, as containers have one, answers before the kernel can find the flag invalid.
 */
static bool is_filtered(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 && unshare(CLONE_NEWUSER | 1) < 0 &&
	       errno != EINVAL;
}

static const char *userns_obstacle(bool sys_admin)
{
	if (faccessat(AT_FDCWD, "/proc/self/ns/user", F_OK, 0) < 0)
		return "the kernel has none (CONFIG_USER_NS)";
	if (probe_number("/proc/sys/user/max_user_namespaces", 1) == 0)
		return "none may be made: sysctl -w user.max_user_namespaces=10000";
	if (is_filtered())
		return "a seccomp filter around ward, as containers have one, refuses them: use -b "
		       "process, "
		       "or start the container with --security-opt seccomp=unconfined";
	if (sys_admin)
		return NULL;
	if (probe_number("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
		return "only root may make them: sysctl -w kernel.unprivileged_userns_clone=1";
	if (probe_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) &&
	    is_unconfined())
		return "AppArmor refuses them: sysctl -w "
		       "kernel.apparmor_restrict_unprivileged_userns=0, or "
		       "give ward a profile with userns";
	return NULL;
}

/* As drop_speculation() will see it: narrowed on request, or nothing left to narrow. */
static bool may_narrow(unsigned long kind)
{
	const int state = prctl(PR_GET_SPECULATION_CTRL, kind, 0, 0, 0);

	return state >= 0 && (state == PR_SPEC_NOT_AFFECTED || state & PR_SPEC_PRCTL ||
			      state & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE));
}

static bool may_schedule_cores(void)
{
	uint64_t cookie;

	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) == 0;
}

void probe_fast(struct probe *out)
{
	const uint64_t caps = effective_caps();
	const uint64_t setuid = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID,
		       admin = 1ULL << CAP_SYS_ADMIN;
	const char *obstacle = userns_obstacle(caps & admin);
	struct seccomp_notif_sizes sizes;
	struct utsname name;

	*out = (struct probe){
	    .kernel = uname(&name) < 0 ? 0 : probe_kernel(name.release),
	    .landlock_abi = (uint32_t)landlock_abi(),
	    .uid = geteuid(),
	    .gid = getegid(),
	    .may_setuid = (caps & setuid) == setuid,
	    .userns = !obstacle,
	    .seccomp_notify = syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0,
	    .core_sched = may_schedule_cores(),
	    .smt = probe_number("/sys/devices/system/cpu/smt/active", 0) == 1,
	    .mdwe = prctl(PR_GET_MDWE_, 0, 0, 0, 0) >= 0,
	    .spec_store = may_narrow(PR_SPEC_STORE_BYPASS),
	    .spec_branch = may_narrow(PR_SPEC_INDIRECT_BRANCH),
	    .timens = faccessat(AT_FDCWD, "/proc/self/ns/time", F_OK, 0) == 0,
	    .cgroupns = faccessat(AT_FDCWD, "/proc/self/ns/cgroup", F_OK, 0) == 0,
	    .idmap = syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 && errno != ENOSYS,
	};
	out->root = out->uid == 0 && out->may_setuid && caps & admin;
	out->cgroup_limits =
	    cgroup_available(false, &out->cgroup_v2, out->cgroup_why, sizeof(out->cgroup_why));
	snprintf(out->userns_why, sizeof(out->userns_why), "%s", obstacle ? obstacle : "");
}
