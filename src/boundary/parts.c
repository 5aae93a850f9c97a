/* Limits, Landlock, filter and the last steps before exec, as steps. */
#include "boundary/parts.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/floor.h"

uint16_t parts_open(struct rung *rung, const char *path, bool directory, bool follow)
{
	rung->open = mem_grow(rung->open, &rung->cap_open, rung->n_open + 1, sizeof(*rung->open));
	rung->open[rung->n_open] = (struct opened_path){
		.path = arena_copy(&rung->arena, path, strlen(path)), .directory = directory, .follow = follow,
	};
	return (uint16_t)(rung->first_fd + ++rung->n_open);
}

const char *parts_where(struct rung *rung, const struct grant *grant)
{
	if (!grant->origin.line)
		return grant->origin.source;
	return arena_printf(&rung->arena, "%s:%u", grant->origin.source, grant->origin.line);
}

struct path_info parts_look(const struct rung *rung, const char *path)
{
	return rung->around->look(rung->around->at, path);
}

/* A place comes before what lies in it, whatever the order in the policy: a mount covers what is there. */
static int by_place(const void *a, const void *b)
{
	const struct grant *const *x = a, *const *y = b;
	const int order = strcmp((*x)->as, (*y)->as);

	return order ? order : (*x > *y) - (*x < *y);
}

const struct grant *const *parts_in_order(struct rung *rung)
{
	const size_t n = rung->policy->n_grants;
	const struct grant **order = arena_alloc(&rung->arena, (n + 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &rung->policy->grants[i];
	qsort(order, n, sizeof(*order), by_place);
	return order;
}

int parts_check_grant(struct rung *rung, const struct grant *grant, struct path_info *info, struct err *e)
{
	*info = parts_look(rung, grant->what);
	if (info->kind == PATH_ABSENT)
		return err_set(e, ERR_MISSING, "%s: %s does not exist; create it or take the grant out",
			       parts_where(rung, grant), grant->what);
	if (info->kind == PATH_LINK)
		return err_set(e, ERR_USAGE, "%s: %s is a symbolic link; grant what it points to (%s)",
			       parts_where(rung, grant), grant->what, info->link);
	if (info->kind == PATH_DEVICE)
		return err_set(e, ERR_DENIED, "%s: %s is a device, socket or pipe; only files and directories "
			       "can be granted", parts_where(rung, grant), grant->what);
	return 0;
}

uint64_t parts_rights(const struct grant *grant)
{
	const bool writes = grant->kind == GRANT_WRITE || grant->kind == GRANT_SCRATCH;

	return RIGHTS_READ | (writes ? RIGHTS_WRITE : 0) |
	       (grant->kind == GRANT_EXEC || grant->may_exec ? RIGHTS_EXEC : 0);
}

static bool wants(const struct rung *rung, enum policy_key key)
{
	return rung->policy->values[key].set;
}

/* Policy keys that are limits of the whole box. */
static const struct {
	enum policy_key key;
	enum plan_limit limit;
	uint32_t extra; /* the box's first process counts too */
} box_limits[] = {
	{ KEY_MEMORY, LIMIT_MEMORY, 0 }, { KEY_SWAP, LIMIT_SWAP, 0 },
	{ KEY_PIDS, LIMIT_PIDS, 1 },     { KEY_CPUS, LIMIT_CPUS, 0 },
	{ KEY_IO_READ, LIMIT_IO_READ, 0 }, { KEY_IO_WRITE, LIMIT_IO_WRITE, 0 },
};

static void cgroup_limits(struct rung *rung)
{
	plan_add(rung->plan, OP_CGROUP, .flags = rung->host->cgroup == HOST_CGROUP_V2);
	for (size_t i = 0; i < ARRAY_SIZE(box_limits); i++)
		if (wants(rung, box_limits[i].key))
			plan_add(rung->plan, OP_CGROUP_LIMIT, .flags = box_limits[i].limit,
				 .n = policy_n(rung->policy, box_limits[i].key) + box_limits[i].extra);
	if (rung->host->cgroup_limits & 1u << LIMIT_CPU_TIME)
		plan_add(rung->plan, OP_CGROUP_LIMIT, .flags = LIMIT_CPU_TIME);
}

static uint32_t wanted_limits(const struct rung *rung)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(box_limits); i++)
		if (wants(rung, box_limits[i].key))
			mask |= 1u << box_limits[i].limit;
	return mask;
}

static int choose_limits(struct rung *rung, struct err *e)
{
	const uint32_t wanted = wanted_limits(rung), missing = wanted & ~rung->host->cgroup_limits;

	if (!wanted)
		return 0;
	if (!missing) {
		cgroup_limits(rung);
		return 0;
	}
	if (!(rung->policy->fallback & FALLBACK_RLIMITS))
		return err_set(e, ERR_UNSUPPORTED, "limits of the whole box need a cgroup: %s (or name the weaker "
			       "way in the policy: fallback: [rlimits])",
			       *rung->host->cgroup_why ? rung->host->cgroup_why : "a controller is missing");
	rung->notes |= NOTE_RLIMITS_ONLY;
	return 0;
}

static void rlimit(struct rung *rung, int resource, uint64_t soft, uint64_t hard)
{
	plan_add(rung->plan, OP_RLIMIT, .flags = (uint32_t)resource, .n = soft, .m = hard);
}

static void rlimit_key(struct rung *rung, int resource, enum policy_key key)
{
	if (wants(rung, key))
		rlimit(rung, resource, policy_n(rung->policy, key), policy_n(rung->policy, key));
}

#define PIDS_BEYOND 16

/* Beside a cgroup a process's own bound is a second layer, far enough out to let the cgroup speak
 * first: a verdict of the box says more than a malloc that fails. */
static void process_limits(struct rung *rung, bool only, uint64_t others)
{
	const uint64_t memory = policy_n(rung->policy, KEY_MEMORY), pids = policy_n(rung->policy, KEY_PIDS);
	const uint64_t beyond = only ? 0 : 1;
	const uint64_t tasks = pids + 1 + others + (only ? 0 : PIDS_BEYOND);
	const uint64_t cpu_s = (policy_n(rung->policy, KEY_CPU) + 999) / 1000;
	const uint64_t far = memory * 8 > UINT64_C(4) << 30 ? memory * 8 : UINT64_C(4) << 30;

	rlimit_key(rung, RLIMIT_NOFILE, KEY_FILES);
	rlimit_key(rung, RLIMIT_FSIZE, KEY_FSIZE);
	rlimit_key(rung, RLIMIT_STACK, KEY_STACK);
	/* Whole seconds, and one process: beside the clock of the whole box only a second layer. */
	if (wants(rung, KEY_CPU))
		rlimit(rung, RLIMIT_CPU, cpu_s + beyond, cpu_s + beyond + 1);
	if (wants(rung, KEY_MEMORY) && only)
		rlimit(rung, rung->reserves ? RLIMIT_DATA : RLIMIT_AS, memory, memory);
	else if (wants(rung, KEY_MEMORY))
		rlimit(rung, RLIMIT_DATA, far, far);
	if (wants(rung, KEY_PIDS))
		rlimit(rung, RLIMIT_NPROC, tasks, tasks);
	rlimit(rung, RLIMIT_CORE, 1, 1); /* as no-dump does: see drop_dumps() */
	rlimit(rung, RLIMIT_MEMLOCK, 64 * 1024, 64 * 1024);
	rlimit(rung, RLIMIT_MSGQUEUE, 0, 0);
	rlimit(rung, RLIMIT_NICE, 0, 0);
	rlimit(rung, RLIMIT_RTPRIO, 0, 0);
	/* Each guest of a zygote has a timer, and each timer a signal that waits. */
	const uint64_t signals = rung->payload->guest == GUEST_ZYGOTE ? 16384 : 1024;
	rlimit(rung, RLIMIT_SIGPENDING, signals, signals);
}

int parts_limits(struct rung *rung, bool cgroup, struct err *e)
{
	if (cgroup && choose_limits(rung, e) < 0)
		return -1;
	/* A user namespace counts its own processes; without one, those of the same user count as well. */
	process_limits(rung, !cgroup || rung->notes & NOTE_RLIMITS_ONLY,
		       cgroup || rung->host->may_setuid ? 0 : rung->host->tasks);
	if (wants(rung, KEY_NICE))
		plan_add(rung->plan, OP_NICE, .n = policy_n(rung->policy, KEY_NICE));
	return 0;
}

/* Source: linux/landlock.h; the rights each ABI added. */
static uint64_t file_rights(uint32_t abi)
{
	uint64_t rights = 0x1fff;

	rights |= abi >= 2 ? UINT64_C(1) << 13 : 0; /* REFER */
	rights |= abi >= 3 ? UINT64_C(1) << 14 : 0; /* TRUNCATE */
	rights |= abi >= 5 ? UINT64_C(1) << 15 : 0; /* IOCTL_DEV */
	return rights;
}

uint32_t parts_landlock_begin(struct rung *rung, bool scopes)
{
	const uint32_t abi = rung->host->landlock_abi;
	const bool free_ports = policy_n(rung->policy, KEY_NETWORK) == NETWORK_HOST &&
				!rung->policy->ports_listed;

	if (rung->jail)
		rung->notes |= NOTE_NO_FILE_RULES;
	if (!abi || (rung->jail && abi < 4)) /* no ports and scopes before */
		return 0;
	if (abi < 6)
		rung->notes |= NOTE_LANDLOCK_OLD;
	plan_add(rung->plan, OP_LANDLOCK, .n = rung->jail ? 0 : file_rights(abi), .m = abi >= 4 && !free_ports ? 3 : 0,
		 .flags = scopes && abi >= 6 ? 3 : 0);
	return abi;
}

void parts_landlock_path(struct rung *rung, uint32_t abi, const char *path, uint64_t rights)
{
	if (abi && !rung->jail && (rights & file_rights(abi)))
		plan_add(rung->plan, OP_LANDLOCK_PATH, .s = path, .n = rights & file_rights(abi));
}

void parts_landlock_grant(struct rung *rung, uint32_t abi, const struct grant *grant)
{
	if (abi && !rung->jail)
		plan_add(rung->plan, OP_LANDLOCK_PATH, .s = grant->as, .flags = 1,
			 .n = parts_rights(grant) & file_rights(abi));
}

void parts_landlock_end(struct rung *rung, uint32_t abi)
{
	const struct policy *policy = rung->policy;

	if (!abi)
		return;
	for (size_t i = 0; abi >= 4 && i < policy->n_bind; i++)
		plan_add(rung->plan, OP_LANDLOCK_PORT, .n = policy->bind_ports[i], .m = 1);
	for (size_t i = 0; abi >= 4 && i < policy->n_connect; i++)
		plan_add(rung->plan, OP_LANDLOCK_PORT, .n = policy->connect_ports[i], .m = 2);
	plan_add(rung->plan, OP_LANDLOCK_ON);
}

static int add_core_sched(struct rung *rung, struct err *e)
{
	const uint64_t choice = policy_n(rung->policy, KEY_CORE_SCHED);
	const bool asked = wants(rung, KEY_CORE_SCHED) && choice == CORE_SCHED_ON;

	if (asked && !rung->host->core_sched)
		return err_set(e, ERR_UNSUPPORTED, "hardening.core_sched: this kernel has no core scheduling "
			       "(CONFIG_SCHED_CORE), or the processor's cores have one thread each; use auto");
	if (asked || (choice == CORE_SCHED_AUTO && rung->host->core_sched && rung->host->smt))
		plan_add(rung->plan, OP_CORE_SCHED);
	return 0;
}

static int add_speculation(struct rung *rung, struct err *e)
{
	const uint64_t choice = policy_n(rung->policy, KEY_SPEC);
	const bool strict = wants(rung, KEY_SPEC) && choice == SPEC_STRICT;
	const bool hostile = wants(rung, KEY_THREAT) && policy_n(rung->policy, KEY_THREAT) == THREAT_HOSTILE;
	const bool possible = rung->host->spec_store && rung->host->spec_branch;

	if (strict && !possible)
		return err_set(e, ERR_UNSUPPORTED, "hardening.spec: the processor or kernel does not let speculation "
			       "be restricted for one process; use auto");
	if (strict || (choice == SPEC_AUTO && hostile && possible))
		plan_add(rung->plan, OP_SPECULATION, .flags = 1);
	return 0;
}

/* Without this a list of ports would be a list of wishes. */
static int check_ports(const struct rung *rung, struct err *e)
{
	if (rung->policy->ports_listed && rung->host->landlock_abi < 4)
		return err_set(e, ERR_UNSUPPORTED, "network: only listed ports needs Landlock ABI 4 (Linux 6.7); this "
			       "kernel has %u; take the lists out to allow all ports", rung->host->landlock_abi);
	return 0;
}

static int add_hardening(struct rung *rung, struct err *e)
{
	if (add_core_sched(rung, e) < 0 || add_speculation(rung, e) < 0)
		return -1;
	if (policy_n(rung->policy, KEY_NO_TSC))
		plan_add(rung->plan, OP_NO_TSC);
	if (policy_n(rung->policy, KEY_MDWE) && rung->host->mdwe)
		plan_add(rung->plan, OP_MDWE);
	else if (policy_n(rung->policy, KEY_MDWE))
		rung->notes |= NOTE_MDWE_FILTER;
	if (wants(rung, KEY_ASLR) && !policy_n(rung->policy, KEY_ASLR))
		plan_add(rung->plan, OP_NO_ASLR);
	plan_add(rung->plan, OP_NO_DUMP);
	return 0;
}

#define WX UINT64_C(6)  /* PROT_WRITE | PROT_EXEC */

/* mdwe as rows: no page writable and executable at once, none made executable later. */
static const struct filter_row mdwe_rows[] = {
	{ .nr = SYS_mmap, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe", .n_tests = 1,
	  .tests = { { 2, FILTER_EQ, WX, WX } } },
	{ .nr = SYS_mprotect, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe", .n_tests = 1,
	  .tests = { { 2, FILTER_EQ, 4, 4 } } },
	{ .nr = SYS_pkey_mprotect, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe", .n_tests = 1,
	  .tests = { { 2, FILTER_EQ, 4, 4 } } },
	/* One memory under two addresses, here to write and there to execute. */
	{ .nr = SYS_mmap, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe", .n_tests = 2,
	  .tests = { { 2, FILTER_EQ, 4, 4 }, { 3, FILTER_EQ, 1 /* MAP_SHARED */, 1 } } },
	{ .nr = SYS_memfd_create, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe" },
	{ .nr = SYS_shmat, .act = FILTER_ERRNO, .sys = EACCES, .origin = "hardening.mdwe", .n_tests = 1,
	  .tests = { { 2, FILTER_EQ, 0x8000 /* SHM_EXEC */, 0x8000 } } },
};

/* Ending must always be possible: a call that waits for a listener would wait for ever. */
static const struct filter_row always[] = {
	{ .nr = SYS_exit_group, .act = FILTER_ALLOW, .origin = "ward" },
	{ .nr = SYS_exit, .act = FILTER_ALLOW, .origin = "ward" },
};

static void add_rows(struct filter_set *set, const struct filter_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		filter_add(set, &rows[i]);
}

static int check_policy_filter(const struct policy *policy, const struct jail *jail, struct err *e)
{
	const uint64_t any[6] = { 0 };
	const char *conflict = floor_conflict(&policy->syscalls, jail);
	const struct filter_row *row;
	enum filter_act act;

	if (conflict)
		return err_set(e, ERR_DENIED, "the policy allows %s, which ward gives no box; take it out of "
			       "syscalls.allow and syscalls.rules", conflict);
	act = filter_judge(&policy->syscalls, SYS_execve, any, &row);
	if (act != FILTER_ALLOW && act != FILTER_LOG)
		return err_set(e, ERR_DENIED, "the policy refuses execve, so nothing could be started; add "
			       "\"@startup\" to syscalls.allow");
	return 0;
}

/* All but the policy's own rows, which come behind. */
static int add_first_rows(const struct policy *policy, const struct jail *jail, const struct filter_row *denied,
			  size_t n, struct filter_set *out, struct err *e)
{
	const struct filter_set *from = &policy->syscalls;

	if (check_policy_filter(policy, jail, e) < 0)
		return -1;
	out->otherwise = from->otherwise;
	out->otherwise_sys = from->otherwise_sys ? from->otherwise_sys : ENOSYS;
	add_rows(out, always, ARRAY_SIZE(always));
	if (policy_n(policy, KEY_MDWE))
		add_rows(out, mdwe_rows, ARRAY_SIZE(mdwe_rows));
	add_rows(out, denied, n);
	return 0;
}

int parts_filter_rows(const struct policy *policy, const struct filter_row *denied, size_t n, struct filter_set *out,
		      struct err *e)
{
	if (add_first_rows(policy, NULL, denied, n, out, e) < 0)
		return -1;
	filter_add_set(out, &policy->syscalls);
	return 0;
}

static int add_program(struct rung *rung, const struct filter_set *set, uint32_t flags, struct err *e)
{
	NO_INIT struct sock_filter program[BPF_MAXINSNS];
	size_t length = 0;

	if (filter_build(set, program, ARRAY_SIZE(program), &length, e) < 0)
		return -1;
	plan_add_bytes(rung->plan, OP_SECCOMP, program, length * sizeof(*program),
		       (struct plan_args){ .n = length, .flags = flags });
	return 0;
}

static int add_filter(struct rung *rung, const struct filter_row *denied, size_t n, struct err *e)
{
	struct filter_set *set = &rung->filter;

	if (add_first_rows(rung->policy, rung->jail, denied, n, set, e) < 0)
		return -1;
	set->rest = &rung->policy->syscalls;
	set->report = policy_n(rung->policy, KEY_REPORT) == REPORT_DENIALS && rung->host->seccomp_notify;
	if (!set->report)
		rung->notes |= NOTE_NO_REPORT;
	set->tells = rung->payload->tells_sockets && set->report && set->otherwise != FILTER_ALLOW && set->otherwise != FILTER_LOG;
	/* A call that goes on must not be interrupted between ward's answer and itself. */
	return add_program(rung, set, (set->report ? FILTER_LISTENER : 0) | (set->tells ? FILTER_WAIT : 0), e);
}

/* All calls are asked about, so the rows that decide are only judged by ward, never compiled. The floor's
 * are among them: of two filters that both ask, the newer one's listener answers, and it must not let
 * through what the older one, to which nobody listens, would have refused. */
static int add_observing_filter(struct rung *rung, const struct filter_row *denied, size_t n, struct err *e)
{
	static const struct filter_row exec = {
		.nr = SYS_execve, .act = FILTER_ALLOW, .origin = "ward", .n_tests = 1,
		.tests = { { 3, FILTER_EQ, UINT64_MAX, PLAN_EXEC_MARK } },
	};
	OWN(filter_set) asking = { .otherwise = FILTER_NOTIFY, .report = true };
	struct filter_set *set = &rung->filter;

	if (!rung->host->seccomp_notify)
		return err_set(e, ERR_UNSUPPORTED, "tracing asks ward about every call, which this kernel cannot "
			       "(SECCOMP_RET_USER_NOTIF, Linux 5.5), or something outside listens already");
	floor_rows(set);
	if (policy_n(rung->policy, KEY_MDWE))
		add_rows(set, mdwe_rows, ARRAY_SIZE(mdwe_rows));
	add_rows(set, denied, n);
	rung->notes |= NOTE_OBSERVED;
	add_rows(&asking, always, ARRAY_SIZE(always));
	filter_add(&asking, &exec);
	return add_program(rung, &asking, FILTER_LISTENER | FILTER_WAIT, e);
}

static void add_streams(struct rung *rung)
{
	plan_add(rung->plan, OP_SESSION);
	for (unsigned fd = 0; fd < 3 && !rung->payload->pty; fd++)
		plan_add(rung->plan, OP_STDIO, .fd_plus_one = (uint16_t)(fd + 1), .n = fd);
	plan_add(rung->plan, OP_FDS);
	for (size_t i = 0; i < rung->payload->n_pass; i++)
		plan_add(rung->plan, OP_PASS, .fd_plus_one = (uint16_t)(3 + i + 1),
			 .n = (uint64_t)rung->payload->pass_numbers[i]);
}

int parts_program(struct rung *rung, const struct filter_row *denied, size_t n, const char *cwd, struct err *e)
{
	if (wants(rung, KEY_THREAT) && policy_n(rung->policy, KEY_THREAT) == THREAT_HOSTILE)
		rung->notes |= NOTE_SHARED_KERNEL;
	add_streams(rung);
	if (cwd)
		plan_add(rung->plan, OP_CHDIR, .s = cwd);
	if (check_ports(rung, e) < 0 || add_hardening(rung, e) < 0)
		return -1;
	plan_add(rung->plan, OP_CAPS);
	plan_add(rung->plan, OP_NO_NEW_PRIVS);
	if (floor_add(rung->plan, rung->jail, e) < 0)
		return -1;
	if ((rung->payload->observed ? add_observing_filter : add_filter)(rung, denied, n, e) < 0)
		return -1;
	plan_add_exec(rung->plan, rung->payload->argv, rung->payload->envp);
	rung->plan->n_fds = rung->first_fd + (uint32_t)rung->n_open;
	return plan_finish(rung->plan, e);
}
