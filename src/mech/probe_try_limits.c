/* Tries limits of control groups: in groups of our own, on a child that only waits. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "mech/cgroup.h"
#include "mech/ns.h"
#include "mech/probe_try.h"

#define END_MS 2000

static pid_t waiting_child(int cgroup_fd, struct err *said)
{
	int pid_fd;
	const pid_t pid = ns_clone(0, cgroup_fd, &pid_fd, said);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return pid;
}

/* Ends a child (if there is one) with its group, and by itself should it never have got inside.
 * True when what it was for is done and it is gone; `said` tells the first thing that went wrong. */
static bool end_child(const struct cgroup *cgroup, pid_t pid, bool done, struct err *said)
{
	struct err ignored;
	const bool ended = cgroup_kill(cgroup, END_MS, done ? said : &ignored) == 0;

	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return done && ended;
}

/* Tries something in a group of its own, which must also go again. */
static enum tried in_group(uint32_t wanted,
			   enum tried (*body)(const struct cgroup *cgroup, long arg,
					      struct err *said),
			   long arg, struct err *said)
{
	struct err ignored;
	struct cgroup cgroup;

	if (cgroup_create(&cgroup, wanted, said) < 0)
		return TRIED_NO;
	const enum tried tried = body(&cgroup, arg, said);
	if (cgroup_remove(&cgroup, END_MS, tried == TRIED_YES ? said : &ignored) < 0)
		return TRIED_NO;
	return tried;
}

static enum tried which(long arg, struct err *said)
{
	char why[160] = "";
	bool v2;
	const uint32_t limits = cgroup_available(true, &v2, why, sizeof(why));

	(void)arg;
	return limits ? try_say(said, "v%d", v2 ? 2 : 1)
		      : try_deny(said, "v%d; %s", v2 ? 2 : 1, why);
}

static const struct {
	enum cgroup_limit limit;
	uint64_t value;
} limits[] = {
    {CGROUP_MEMORY, 64 << 20}, {CGROUP_SWAP, 0},           {CGROUP_PIDS, 16},
    {CGROUP_CPUS, 500},        {CGROUP_IO_READ, 64 << 20}, {CGROUP_CPU_TIME, 0},
};

/* Sets one limit and moves a child under it. */
static enum tried limit_child(const struct cgroup *cgroup, long i, struct err *said)
{
	if (limits[i].limit == CGROUP_SWAP && cgroup_set(cgroup, CGROUP_MEMORY, 64 << 20, said) < 0)
		return TRIED_NO;
	if (cgroup_set(cgroup, limits[i].limit, limits[i].value, said) < 0)
		return TRIED_NO;
	const pid_t pid = waiting_child(-1, said);
	const bool moved = pid > 0 && cgroup_attach(cgroup, pid, said) == 0;

	return end_child(cgroup, pid, moved, said) ? TRIED_YES : TRIED_NO;
}

static enum tried limit(long i, struct err *said)
{
	const uint32_t wanted = CGROUP_BIT(limits[i].limit) |
				(limits[i].limit == CGROUP_SWAP ? CGROUP_BIT(CGROUP_MEMORY) : 0);

	return in_group(wanted, limit_child, i, said);
}

static enum tried freeze_child(const struct cgroup *cgroup, long arg, struct err *said)
{
	const pid_t pid = waiting_child(-1, said);
	const bool frozen = pid > 0 && cgroup_attach(cgroup, pid, said) == 0 &&
			    cgroup_freeze(cgroup, true, said) == 0 &&
			    cgroup_freeze(cgroup, false, said) == 0;

	(void)arg;
	return end_child(cgroup, pid, frozen, said) ? TRIED_YES : TRIED_NO;
}

static enum tried freezer(long arg, struct err *said)
{
	return in_group(CGROUP_BIT(CGROUP_CPU_TIME), freeze_child, arg, said);
}

/* Both need v2; on v1 a resident monitor has its children born inside, and kills in rounds. */
static enum tried bear_child(const struct cgroup *cgroup, long arg, struct err *said)
{
	const pid_t pid = waiting_child(cgroup_into_fd(cgroup), said);

	(void)arg;
	return end_child(cgroup, pid, pid > 0, said) ? TRIED_YES : TRIED_NO;
}

static enum tried born_inside(long arg, struct err *said)
{
	return cgroup_is_v2() ? in_group(CGROUP_BIT(CGROUP_PIDS), bear_child, arg, said)
			      : try_deny(said, "v1 has none");
}

static enum tried find_kill(const struct cgroup *cgroup, long arg, struct err *said)
{
	(void)arg;
	if (faccessat(cgroup_into_fd(cgroup), "cgroup.kill", W_OK, 0) == 0)
		return TRIED_YES;
	return try_deny(said, "this kernel kills by rounds (cgroup.kill is of Linux 5.14)");
}

static enum tried kill_file(long arg, struct err *said)
{
	return cgroup_is_v2() ? in_group(CGROUP_BIT(CGROUP_CPU_TIME), find_kill, arg, said)
			      : try_deny(said, "v1 has none");
}

static enum tried move_child(const struct cgroup *cgroup, long arg, struct err *said)
{
	(void)arg;
	nanosleep(&(struct timespec){.tv_nsec = 120 * 1000000}, NULL);
	const pid_t pid = waiting_child(-1, said);
	const uint64_t before_us = loop_now_us();
	const bool moved = pid > 0 && cgroup_attach(cgroup, pid, said) == 0;
	const uint64_t took_us = loop_now_us() - before_us;

	if (!end_child(cgroup, pid, moved, said))
		return TRIED_NO;
	if (took_us > 2000)
		return try_deny(said, "moving a process takes %llu.%llu ms",
				(unsigned long long)took_us / 1000,
				(unsigned long long)took_us / 100 % 10);
	return try_say(said, "%llu us", (unsigned long long)took_us);
}

/* The first move after a quiet spell: what a cold `ward run` pays on v1, a parked box does not. */
static enum tried quick_move(long arg, struct err *said)
{
	return in_group(CGROUP_BIT(CGROUP_CPU_TIME), move_child, arg, said);
}

const struct try try_limits[] = {
    {"cgroup", which, 0, NULL, NULL, false, false},
    {"cgroup memory", limit, 0, NULL, NULL, false, false},
    {"cgroup swap", limit, 1, NULL, NULL, false, false},
    {"cgroup pids", limit, 2, NULL, NULL, false, false},
    {"cgroup cpu", limit, 3, NULL, NULL, false, false},
    {"cgroup io", limit, 4, NULL, NULL, false, false},
    {"cgroup cpu time", limit, 5, NULL, NULL, false, false},
    {"cgroup freezer", freezer, 0, NULL, "mount the freezer controller", false, false},
    {"born in its cgroup", born_inside, 0, NULL,
     "v2: boot with systemd.unified_cgroup_hierarchy=1; v1: ward-monitor parks boxes inside", false,
     false},
    {"cgroup.kill", kill_file, 0, NULL, "none needed: ward kills by rounds", false, false},
    {"cgroup quick move", quick_move, 0, NULL,
     "ward-monitor; or mount -o remount,favordynmods on a cgroup mount (Linux 6.0; forks get "
     "slower; since 6.18 until reboot)",
     false, false},
    {.name = NULL},
};
