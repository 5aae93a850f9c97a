/* Rights over the machine, its clock and other identities. Every call that would change the host is
 * given an argument the kernel refuses only after it has checked the right. */
#include "probe/attempts.h"
#include "probe/spawn.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ABSENT "/ward-probe-no-such-file"

struct outcome try_swapon(GIVEN)
{
	return outcome_past(swapon(ABSENT, 0), ENOENT, 0);
}

struct outcome try_swapoff(GIVEN)
{
	return outcome_past(swapoff(ABSENT), ENOENT, 0);
}

struct outcome try_acct(GIVEN)
{
	return outcome_past(syscall(SYS_acct, ABSENT), ENOENT, EROFS);
}

struct outcome try_reboot(GIVEN)
{
	return outcome_past(syscall(SYS_reboot, 0x3a57, 0x3a57, 0x3a57, NULL), EINVAL, 0);
}

struct outcome try_kexec(GIVEN)
{
	/* 17 segments are one more than KEXEC_SEGMENT_MAX, and no flag 0x8000 exists: linux/kexec.h
	 */
	return outcome_past(syscall(SYS_kexec_load, 0UL, 17UL, NULL, 0x8000UL), EINVAL, 0);
}

struct outcome try_module_load(GIVEN)
{
	return outcome_past(syscall(SYS_init_module, "", 0UL, ""), ENOEXEC, EINVAL);
}

struct outcome try_module_file(GIVEN)
{
	return outcome_past(syscall(SYS_finit_module, -1, "", 0x8000), EINVAL, EBADF);
}

struct outcome try_module_unload(GIVEN)
{
	return outcome_past(syscall(SYS_delete_module, "ward_probe_no_such_module", O_NONBLOCK),
			    ENOENT, EWOULDBLOCK);
}

struct outcome try_clock_set(GIVEN)
{
	/* kernel/time/time.c, do_sys_settimeofday64(): the right first, then the zone's range */
	const struct timezone zone = { .tz_minuteswest = 5000 };

	return outcome_past(syscall(SYS_settimeofday, NULL, &zone), EINVAL, 0);
}

struct outcome try_clock_adjust(GIVEN)
{
	struct timex change = { .modes = ADJ_TICK, .tick = 0 };

	return outcome_past(adjtimex(&change), EINVAL, 0);
}

struct outcome try_hostname(GIVEN)
{
	struct utsname now;

	if (uname(&now) < 0)
		return outcome_refused(errno);
	return outcome_of(sethostname(now.nodename, strlen(now.nodename)));
}

struct outcome try_domainname(GIVEN)
{
	struct utsname now;

	if (uname(&now) < 0)
		return outcome_refused(errno);
	return outcome_of(setdomainname(now.domainname, strlen(now.domainname)));
}

struct outcome try_kernel_log(GIVEN)
{
	char text[64];
	enum { SYSLOG_READ_ALL = 3 }; /* reads, clears nothing: syslog(2) */

	return outcome_of(klogctl(SYSLOG_READ_ALL, text, sizeof(text)));
}

struct outcome try_console_level(GIVEN)
{
	enum { SYSLOG_CONSOLE_LEVEL = 8 };

	return outcome_past(klogctl(SYSLOG_CONSOLE_LEVEL, NULL, 99), EINVAL, 0);
}

struct outcome try_iopl(GIVEN)
{
	return outcome_of(iopl(3));
}

struct outcome try_ioperm(GIVEN)
{
	return outcome_of(ioperm(0x80, 1, 1));
}

struct outcome try_chroot(GIVEN)
{
	return outcome_of(chroot("/"));
}

struct outcome try_setuid(GIVEN)
{
	return outcome_of(setresuid(0, 0, 0));
}

struct outcome try_setgid(GIVEN)
{
	return outcome_of(setresgid(0, 0, 0));
}

struct outcome try_setfsuid(GIVEN)
{
	setfsuid(0);
	const int now =
		setfsuid((uid_t)-1); /* an invalid id changes nothing and tells the present one */

	return outcome_state(now == 0, "file access as user 0", "unchanged");
}

struct outcome try_setgroups(GIVEN)
{
	const gid_t root = 0;

	return outcome_of(setgroups(1, &root));
}

struct outcome try_is_root(GIVEN)
{
	const bool is_root = getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0;

	return outcome_state(is_root, "user or group 0", "neither user nor group 0");
}

struct outcome try_groups_left(GIVEN)
{
	gid_t groups[64];
	const int n = getgroups(64, groups);

	for (int i = 0; i < n; i++)
		if (groups[i] != getgid())
			return outcome_allowed("supplementary group %u", groups[i]);
	return outcome_refused(n < 0 ? errno : 0);
}

static int caps_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &head, data);
}

struct outcome try_caps_held(GIVEN)
{
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (caps_get(data) < 0)
		return outcome_refused(errno);
	const uint32_t any = data[0].effective | data[0].permitted | data[0].inheritable |
			     data[1].effective | data[1].permitted | data[1].inheritable;

	return outcome_state(any != 0, "a capability set is not empty", "empty");
}

struct outcome try_caps_raise(GIVEN)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	const uint32_t admin = 1U << CAP_SYS_ADMIN;

	if (caps_get(data) < 0)
		return outcome_refused(errno);
	data[0].permitted |= admin;
	data[0].effective |= admin;
	return outcome_of(syscall(SYS_capset, &head, data));
}

struct outcome try_bounding(GIVEN)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return outcome_allowed("capability %lu is in the bounding set", cap);
	return outcome_refused(0);
}

struct outcome try_ambient(GIVEN)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	/* Only what is inheritable can become ambient. */
	if (caps_get(data) == 0) {
		data[0].inheritable |= data[0].permitted & 1U << CAP_CHOWN;
		syscall(SYS_capset, &head, data);
	}
	return outcome_of(
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)CAP_CHOWN, 0, 0));
}

struct outcome try_securebits(GIVEN)
{
	const int now = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	return now < 0 ? outcome_refused(errno) :
			 outcome_of(prctl(PR_SET_SECUREBITS, (unsigned long)now, 0, 0, 0));
}

struct outcome try_new_privs(GIVEN)
{
	const int on = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	return outcome_state(on == 0, "no_new_privs is off", "no_new_privs is on");
}

struct outcome try_seccomp_off(GIVEN)
{
	const int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

	return outcome_state(mode == 0, "no filter", "filtered");
}

struct outcome try_set_mm(GIVEN)
{
	return outcome_past(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, -1UL, 0UL, 0UL), EBADF, 0);
}

/* Runs a copy of ward-probe that has the set-user-ID bit or file capabilities. */
static struct outcome gained_by(const struct scene *scene, const struct attempt_row *row,
				const char *program)
{
	int code = -1;

	if (!program)
		return outcome_skipped("no marker");
	const struct outcome ran = spawn_program(scene, row, program, &code);

	if (ran.kind != OUTCOME_ALLOWED)
		return ran;
	return outcome_state(code == SPAWN_GAINED, "rights gained by exec",
			     "runs, and gains nothing");
}

struct outcome try_setuid_file(GIVEN)
{
	return gained_by(scene, row, scene->suid);
}

struct outcome try_filecap_file(GIVEN)
{
	return gained_by(scene, row, scene->filecap);
}

struct outcome try_chown_root(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "chown", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = way_open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return outcome_refused(errno);
	const struct outcome outcome = outcome_of(fchown(fd, getuid() ? 0 : 1, (gid_t)-1));

	way_unlink(path);
	return outcome;
}

struct outcome try_filecap_set(GIVEN)
{
	/* struct vfs_cap_data, revision 2, nothing permitted: linux/capability.h */
	const uint32_t none[5] = { VFS_CAP_REVISION_2 };
	char path[256];

	if (!scene_file(scene, "filecap", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = way_open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return outcome_refused(errno);
	const struct outcome outcome =
		outcome_of(fsetxattr(fd, "security.capability", none, sizeof(none), 0));

	way_unlink(path);
	return outcome;
}

struct outcome try_nice(GIVEN)
{
	return outcome_of(setpriority(PRIO_PROCESS, 0, -20));
}

struct outcome try_realtime(GIVEN)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	return outcome_of(sched_setscheduler(0, SCHED_FIFO, &lowest));
}

struct outcome try_deadline(GIVEN)
{
	/* struct sched_attr, linux/sched/types.h: 1 ms in 100 ms */
	const struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = 48,
		   .policy = 6,
		   .runtime = 1000000,
		   .deadline = 100000000,
		   .period = 100000000 };

	return outcome_of(syscall(SYS_sched_setattr, 0, &attr, 0));
}

struct outcome try_io_realtime(GIVEN)
{
	/* IOPRIO_WHO_PROCESS, class IOPRIO_CLASS_RT: linux/ioprio.h */
	return outcome_of(syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 7));
}
