/* The process boundary: Landlock, seccomp, rlimits and no_new_privs, for where nothing else is
 * possible: inside a default container, without user namespaces. It sees the host's processes and the
 * names of its files; what it cannot guard otherwise it refuses by filter rows. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/hostview.h"
#include "boundary/parts.h"
#include "model/policy_grant.h"

#define REFUSE(call, number) { .nr = SYS_##call, .act = FILTER_ERRNO, .sys = (number), .origin = "process" }
#define REFUSE_IF(call, number, arg, op, mask, value) \
	{ .nr = SYS_##call, .act = FILTER_ERRNO, .sys = (number), .origin = "process", .n_tests = 1, \
	  .tests = { { (arg), (op), (mask), (value) } } }

/* Landlock judges opening, not metadata: chmod, times and extended attributes of any file the user
 * owns would go through. Sockets by path and System V objects are shared with the whole host. */
static const struct filter_row unguarded[] = {
	REFUSE(chmod, EPERM), REFUSE(fchmodat, EPERM), REFUSE(chown, EPERM), REFUSE(lchown, EPERM),
	REFUSE(fchownat, EPERM), REFUSE(utime, EPERM), REFUSE(utimes, EPERM), REFUSE(futimesat, EPERM),
	REFUSE_IF(utimensat, EPERM, 1, FILTER_NE, UINT64_MAX, 0), /* futimens(fd) has no path */
	REFUSE(setxattr, EPERM), REFUSE(lsetxattr, EPERM), REFUSE(removexattr, EPERM), REFUSE(lremovexattr, EPERM),
	{ .nr = 452 /* fchmodat2 */, .act = FILTER_ERRNO, .sys = EPERM, .origin = "process" },
	REFUSE_IF(socket, EACCES, 0, FILTER_EQ, UINT64_MAX, 1 /* AF_UNIX */),
	REFUSE(shmget, ENOSYS), REFUSE(shmat, ENOSYS), REFUSE(shmctl, ENOSYS), REFUSE(semget, ENOSYS),
	REFUSE(semop, ENOSYS), REFUSE(semtimedop, ENOSYS), REFUSE(semctl, ENOSYS), REFUSE(msgget, ENOSYS),
	REFUSE(msgsnd, ENOSYS), REFUSE(msgrcv, ENOSYS), REFUSE(msgctl, ENOSYS), REFUSE(mq_open, ENOSYS),
	REFUSE(mq_unlink, ENOSYS), REFUSE(inotify_add_watch, EACCES),
};

/* Landlock before ABI 3 does not see truncation, so that must not be possible by path at all. */
#define TRUNC UINT64_C(01000)
static const struct filter_row truncation[] = {
	REFUSE(truncate, EACCES), REFUSE(creat, EACCES), REFUSE(openat2, ENOSYS),
	REFUSE_IF(open, EACCES, 1, FILTER_EQ, TRUNC, TRUNC), REFUSE_IF(openat, EACCES, 2, FILTER_EQ, TRUNC, TRUNC),
};

/* Without scopes (ABI 6) a signal reaches all of the user's processes, or, where the box has a user of
 * its own, its first process. pid 0 and the program itself cannot be told apart by a filter, so all go. */
static const struct filter_row signalling[] = {
	REFUSE(kill, EPERM), REFUSE(tkill, EPERM), REFUSE(tgkill, EPERM), REFUSE(rt_sigqueueinfo, EPERM),
	REFUSE(rt_tgsigqueueinfo, EPERM), REFUSE(pidfd_send_signal, EPERM),
};

/* There is no network namespace: what must not be reached must not have a socket. Landlock knows TCP
 * ports only, so listed ports leave no room for datagrams. */
#define INET(family) REFUSE_IF(socket, EAFNOSUPPORT, 0, FILTER_EQ, UINT64_MAX, family)
#define DATAGRAM(family) \
	{ .nr = SYS_socket, .act = FILTER_ERRNO, .sys = EACCES, .origin = "process", .n_tests = 2, \
	  .tests = { { 0, FILTER_EQ, UINT64_MAX, family }, { 1, FILTER_EQ, 0xf, 2 /* SOCK_DGRAM */ } } }
static const struct filter_row no_network[] = { INET(2), INET(10) };
static const struct filter_row no_datagrams[] = { DATAGRAM(2), DATAGRAM(10) };

static int process_probe(const struct host *host, struct err *e)
{
	if (!host->landlock_abi)
		return err_set(e, ERR_UNSUPPORTED, "process needs Landlock: boot with lsm=landlock,... or use Linux "
			       "5.13 or newer; without it nothing would guard files");
	return 0;
}

static void allow_tree(struct rung *rung, const char *path, uint32_t abi, uint64_t rights)
{
	/* Through links: Landlock judges the object, and on a merged /usr /bin is the same one. */
	if (parts_look(rung, path).kind != PATH_ABSENT)
		parts_landlock_path(rung, abi, path, rights);
}

static void allow_host(struct rung *rung, uint32_t abi)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };

	for (const char *const *path = hostview_trees; *path; path++)
		allow_tree(rung, *path, abi, RIGHTS_READ | RIGHTS_EXEC);
	for (const char *const *path = hostview_etc; *path; path++)
		allow_tree(rung, *path, abi, RIGHTS_READ);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		allow_tree(rung, devices[i], abi, RIGHTS_DEVICE);
	rung->notes |= NOTE_HOST_FILES;
}

static int allow_grant(struct rung *rung, const struct grant *grant, uint32_t abi, struct err *e)
{
	const bool writes = grant->kind == GRANT_WRITE;
	struct path_info info;

	if (grant->kind == GRANT_SCRATCH) {
		rung->notes |= NOTE_NO_SCRATCH;
		return 0;
	}
	if (grant->kind == GRANT_READ && strcmp(grant->what, "host") == 0) {
		allow_host(rung, abi);
		return 0;
	}
	if (strcmp(grant->what, "image") == 0 || strcmp(grant->what, grant->as) != 0)
		return err_set(e, ERR_UNSUPPORTED, "%s: the process boundary has no mounts: %s cannot appear as %s",
			       parts_where(rung, grant), grant->what, grant->as);
	if (writes && abi < 3)
		return err_set(e, ERR_UNSUPPORTED, "%s: writing under the process boundary needs Landlock ABI 3 "
			       "(Linux 6.2); this kernel has %u", parts_where(rung, grant), abi);
	if (parts_check_grant(rung, grant, &info, e) < 0)
		return -1;
	parts_landlock_grant(rung, abi, grant);
	return 0;
}

/* Landlock's rules add up along a path: what the directory above may do, cannot be taken away below. */
static int check_nesting(struct rung *rung, struct err *e)
{
	const struct grant *const *grants = parts_in_order(rung);
	const struct grant *outer = NULL;

	for (size_t i = 0; i < rung->policy->n_grants; i++) {
		const struct grant *grant = grants[i];

		if (grant->kind == GRANT_SCRATCH || strcmp(grant->what, "host") == 0)
			continue;
		if (!outer || !policy_path_is_in(grant->as, outer->as) ||
		    strcmp(grant->as, outer->as) == 0) {
			outer = grant;
			continue;
		}
		if (parts_rights(outer) & ~parts_rights(grant))
			return err_set(e, ERR_UNSUPPORTED, "%s: the process boundary cannot allow less in %s than in "
				       "%s around it; grant the parts one by one, or use the container",
				       parts_where(rung, grant), grant->as, outer->as);
	}
	return 0;
}

static void add_identity(struct rung *rung)
{
	if (rung->host->may_setuid)
		plan_add(rung->plan, OP_IDENTITY, .n = rung->host->box_id, .m = rung->host->box_id);
	else
		rung->notes |= NOTE_SAME_USER;
}

static size_t add_rows(struct filter_row *to, size_t at, const struct filter_row *rows, size_t n)
{
	memcpy(to + at, rows, n * sizeof(*rows));
	return at + n;
}

static size_t add_denied(struct rung *rung, uint32_t abi, struct filter_row *rows)
{
	size_t n = add_rows(rows, 0, unguarded, ARRAY_SIZE(unguarded));

	if (policy_n(rung->policy, KEY_NETWORK) != NETWORK_HOST)
		n = add_rows(rows, n, no_network, ARRAY_SIZE(no_network));
	else if (rung->policy->ports_listed)
		n = add_rows(rows, n, no_datagrams, ARRAY_SIZE(no_datagrams));
	if (abi < 3)
		n = add_rows(rows, n, truncation, ARRAY_SIZE(truncation));
	if (abi < 6) {
		n = add_rows(rows, n, signalling, ARRAY_SIZE(signalling));
		rung->notes |= NOTE_NO_SIGNALS;
	}
	return n;
}

/* A directory of that name on the host is not the one the policy means. */
static bool is_scratch(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *grant = &policy->grants[i];

		if (grant->kind == GRANT_SCRATCH && policy_path_is_in(path, grant->as))
			return true;
	}
	return false;
}

static int process_plan(struct rung *rung, struct err *e)
{
	struct filter_row denied[ARRAY_SIZE(unguarded) + ARRAY_SIZE(no_network) + ARRAY_SIZE(truncation) +
				 ARRAY_SIZE(signalling)];
	const char *cwd = policy_text(rung->policy, KEY_CWD);
	uint32_t abi;

	if (!rung->host->may_setuid && rung->host->uid == 0)
		return err_set(e, ERR_UNSUPPORTED, "root without CAP_SETUID and CAP_SETGID cannot become anybody else; "
			       "run ward as an ordinary user, or give it those capabilities");
	rung->plan->boundary = BOUNDARY_PROCESS;
	add_identity(rung);
	/* The host's own multiplexer: there is no /dev of the box. */
	if (rung->payload->pty)
		plan_add(rung->plan, OP_PTY, .s = "/dev", .n = rung->payload->pty_size);
	if (parts_limits(rung, false, e) < 0)
		return -1;
	if (check_nesting(rung, e) < 0)
		return -1;
	abi = parts_landlock_begin(rung, true);
	for (size_t i = 0; i < rung->policy->n_grants; i++)
		if (allow_grant(rung, &rung->policy->grants[i], abi, e) < 0)
			return -1;
	parts_landlock_end(rung, abi);
	if (!cwd || parts_look(rung, cwd).kind != PATH_DIR || is_scratch(rung->policy, cwd))
		cwd = "/";
	return parts_program(rung, denied, add_denied(rung, abi, denied), cwd, e);
}

extern const struct boundary boundary_process;
const struct boundary boundary_process = {
	.name = "process",
	.summary = "Landlock, seccomp, rlimits, no new privileges; the host's processes and file names are visible",
	.probe = process_probe,
	.plan = process_plan,
};
