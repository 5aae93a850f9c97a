/* Giving up rights, one kernel mechanism a function, each read back. */
#include "mech/drop.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_GET 0
#define PR_SCHED_CORE_CREATE 1
#endif
#define KEYCTL_JOIN_SESSION_KEYRING 1

typedef struct __user_cap_data_struct cap_sets[2];

static int get_caps(cap_sets sets, struct err *e)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &header, sets) < 0 ? err_sys(e, "capget") : 0;
}

static int set_caps(cap_sets sets, struct err *e)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capset, &header, sets) < 0 ? err_sys(e, "capset") : 0;
}

static int check_caps(uint32_t keep, struct err *e)
{
	cap_sets sets;

	if (get_caps(sets, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if ((sets[i].permitted | sets[i].effective | sets[i].inheritable) & ~(i ? 0 : keep))
			return err_set(e, ERR_BUG, "capabilities are left after they were dropped");
	return 0;
}

static int check_bounding(struct err *e)
{
	for (int cap = 0; cap < 64; cap++) {
		const int bounding = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (bounding < 0)
			break;
		if (bounding)
			return err_set(e, ERR_BUG, "capability %d is left in the bounding set", cap);
	}
	return 0;
}

int drop_bounding(struct err *e)
{
	cap_sets sets;

	for (int cap = 0, has; (has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++) {
		/* Dropping makes a new set of credentials, also where there is nothing to drop. */
		if (!has || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno != EPERM || get_caps(sets, e) < 0)
			return err_sys(e, "drop capability %d from the bounding set", cap);
		if (sets[0].permitted | sets[1].permitted)
			return err_set(e, ERR_SYSTEM, "the bounding set cannot be emptied without CAP_SETPCAP");
		return 1;
	}
	return 0;
}

static int drop_sets(uint32_t keep, bool read_bounding, struct err *e)
{
	const int powerless = drop_bounding(e);
	cap_sets sets = { { .permitted = keep, .effective = keep } };

	if (powerless < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "clear ambient capabilities");
	if (powerless)
		return 0;
	if (set_caps(sets, e) < 0 || check_caps(keep, e) < 0)
		return -1;
	return read_bounding ? check_bounding(e) : 0;
}

int drop_caps(uint32_t keep, struct err *e)
{
	return drop_sets(keep, true, e);
}

int drop_own_caps(uint32_t keep, struct err *e)
{
	return drop_sets(keep, false, e);
}

int drop_nothing(struct err *e)
{
	cap_sets sets;

	if (get_caps(sets, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		sets[i].inheritable = sets[i].effective = sets[i].permitted;
	if (set_caps(sets, e) < 0)
		return -1;
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0 && errno == EINVAL)
			break;
	return 0;
}

int drop_identity(uint32_t uid, uint32_t gid, bool all_caps, struct err *e)
{
	uid_t uids[3];
	gid_t gids[3];
	cap_sets sets;

	/* Without this a root that becomes somebody else could no longer empty its bounding set. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_KEEPCAPS");
	/* EPERM: setgroups was denied together with the map of a user's own namespace. */
	if (getgroups(0, NULL) > 0 && setgroups(0, NULL) < 0 && errno != EPERM)
		return err_sys(e, "setgroups");
	/* By number, not through libc, which would tell other threads: there are none. */
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return err_sys(e, "become group %u", gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return err_sys(e, "become user %u", uid);
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return err_sys(e, "read the ids back");
	for (int i = 0; i < 3; i++)
		if (uids[i] != uid || gids[i] != gid || uid == 0 || gid == 0)
			return err_set(e, ERR_BUG, "the identity is not what was asked for");
	if (get_caps(sets, e) < 0)
		return -1;
	if (!all_caps) {
		sets[0].permitted &= 1u << CAP_SETPCAP;
		sets[1].permitted = 0;
	}
	for (int i = 0; i < 2; i++) {
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return set_caps(sets, e);
}

int drop_new_privs(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_sys(e, "no_new_privs");
	return 0;
}

int drop_rlimit(int resource, uint64_t soft, uint64_t hard, struct err *e)
{
	struct rlimit now, want;

	if (getrlimit(resource, &now) < 0)
		return err_sys(e, "getrlimit %d", resource);
	want.rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
	want.rlim_cur = soft < want.rlim_max ? soft : want.rlim_max;
	if (setrlimit(resource, &want) < 0)
		return err_sys(e, "setrlimit %d to %llu", resource, (unsigned long long)want.rlim_cur);
	if (getrlimit(resource, &now) < 0 || now.rlim_cur != want.rlim_cur || now.rlim_max != want.rlim_max)
		return err_set(e, ERR_BUG, "limit %d is not what was set", resource);
	return 0;
}

int drop_dumps(struct err *e)
{
	return drop_rlimit(RLIMIT_CORE, 1, 1, e);
}

int drop_speculation(bool strict, struct err *e)
{
	static const int kinds[] = { PR_SPEC_STORE_BYPASS, PR_SPEC_INDIRECT_BRANCH };

	for (int i = 0; i < 2; i++) {
		const int state = prctl(PR_GET_SPECULATION_CTRL, kinds[i], 0, 0, 0);
		/* NOT_AFFECTED is 0; without PR_SPEC_PRCTL the state is fixed, FORCE_DISABLE or DISABLE is fine. */
		const bool moot = state == PR_SPEC_NOT_AFFECTED ||
				  (state > 0 && !(state & PR_SPEC_PRCTL) &&
				   (state & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE)));

		if (moot)
			continue;
		if (prctl(PR_SET_SPECULATION_CTRL, kinds[i], PR_SPEC_FORCE_DISABLE, 0, 0) < 0 && strict)
			return err_sys(e, "speculation control %d cannot be narrowed here; use hardening.spec: auto", kinds[i]);
	}
	return 0;
}

int drop_tsc(struct err *e)
{
	return prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) < 0 ? err_sys(e, "PR_SET_TSC") : 0;
}

int drop_exec_gain(struct err *e)
{
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_MDWE");
	if (!(prctl(PR_GET_MDWE, 0, 0, 0, 0) & PR_MDWE_REFUSE_EXEC_GAIN))
		return err_set(e, ERR_BUG, "PR_SET_MDWE had no effect");
	return 0;
}

int drop_aslr(struct err *e)
{
	return personality(ADDR_NO_RANDOMIZE) < 0 ? err_sys(e, "personality") : 0;
}

int drop_session(int tty_fd, struct err *e)
{
	if (setsid() < 0)
		return err_sys(e, "setsid");
	if (tty_fd >= 0 && ioctl(tty_fd, TIOCSCTTY, 0) < 0)
		return err_sys(e, "TIOCSCTTY");
	/* A surrounding container may refuse keyctl: then there is no keyring to be had either. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS &&
	    errno != EPERM)
		return err_sys(e, "join a session keyring");
	return 0;
}

int drop_core_sharing(struct err *e)
{
	unsigned long long cookie = 0;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 1 /* PIDTYPE_TGID */, 0) < 0)
		return err_sys(e, "core-scheduling cookie");
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) < 0 || !cookie)
		return err_set(e, ERR_BUG, "the core-scheduling cookie was not set");
	return 0;
}
