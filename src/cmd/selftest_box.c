/* Boxes for attempts: what ward-probe is told of the policy, and one box for each attempt that may end its own. */
#include "cmd/selftest_box.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/launch.h"
#include "cmd/selftest_engine.h"

static void set_limit(struct policy *policy, enum policy_key key, uint64_t n)
{
	policy->values[key].n = n;
	policy->values[key].set = true;
}

static void lower(struct policy *policy, enum policy_key key, uint64_t most)
{
	if (policy->values[key].set && policy->values[key].n > most)
		policy->values[key].n = most;
}

/* The policy under test plus the probe itself. Time and output are not what most rows are about. */
int selftest_prepare_policy(struct selftest *self, struct err *e)
{
	enum { WALL_MS = 60000, CPU_MS = 50000 };
	const struct origin origin = { .source = "selftest" };
	const char *const programs[] = { self->markers.probe, self->markers.suid,
					 self->markers.filecap };
	struct policy *const policy = &self->policy;

	for (size_t i = 0; !self->kind && i < ARRAY_SIZE(programs); i++)
		if (programs[i] && policy_grant(policy, GRANT_EXEC, programs[i], origin, e) < 0)
			return -1;
	if (policy_grant(policy, GRANT_READ, self->kind ? self->markers.granted : self->markers.readable, origin, e) < 0)
		return -1;
	self->cpu_ms = policy->values[KEY_CPU].set ? policy_n(policy, KEY_CPU) : 0;
	if (self->cpu_ms)
		set_limit(policy, KEY_CPU, CPU_MS);
	set_limit(policy, KEY_WALL, WALL_MS);
	set_limit(policy, KEY_OUTPUT, LAUNCH_OUTPUT);
	return 0;
}

/* Smaller limits show the same and cost less. */
static void lower_limits(struct policy *policy, const struct attempt_row *row, uint64_t cpu_ms)
{
	enum { MIB = 1 << 20 };

	switch (row->need) {
	case NEED_MEMORY:
		lower(policy, KEY_MEMORY, 64 * MIB);
		break;
	case NEED_PIDS:
		lower(policy, KEY_PIDS, 16);
		break;
	case NEED_CPU:
		set_limit(policy, KEY_CPU, cpu_ms && cpu_ms < 1000 ? cpu_ms : 1000);
		break;
	case NEED_DISK:
	case NEED_INODES:
		for (size_t i = 0; i < policy->n_grants; i++)
			if (policy->grants[i].kind == GRANT_SCRATCH) {
				policy->grants[i].size = 8 * MIB;
				policy->grants[i].inodes = 1024;
			}
		break;
	default:
		break;
	}
}

const struct grant *selftest_scratch(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_SCRATCH)
			return &policy->grants[i];
	return NULL;
}

static const char *limit_text(struct arena *arena, const char *name, uint64_t n)
{
	return arena_printf(arena, "%s=%llu", name, (unsigned long long)n);
}

/* What the policy grants and limits, as ward-probe's arguments. */
static size_t describe_policy(const struct selftest *self, struct arena *arena, const char **argv)
{
	const struct policy *const policy = &self->policy;
	static const struct {
		enum policy_key key;
		const char *name;
	} limits[] = {
		{ KEY_MEMORY, "memory" }, { KEY_PIDS, "pids" },   { KEY_CPU, "cpu_ms" },
		{ KEY_FILES, "files" },   { KEY_FSIZE, "fsize" },
	};
	const struct grant *const scratch = selftest_scratch(policy);
	uint64_t passed = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (policy->values[limits[i].key].set)
			argv[n++] =
				limit_text(arena, limits[i].name, policy_n(policy, limits[i].key));
	if (scratch && !self->is_process) {
		argv[n++] = arena_printf(arena, "scratch=%s", scratch->as);
		argv[n++] = limit_text(arena, "disk",
				       scratch->size ? scratch->size : policy_n(policy, KEY_DISK));
		argv[n++] = limit_text(arena, "inodes",
				       scratch->inodes ? scratch->inodes :
							 policy_n(policy, KEY_INODES));
	}
	for (size_t i = 0; i < policy->n_pass; i++)
		if (policy->pass_fds[i] < 63)
			passed |= UINT64_C(1) << policy->pass_fds[i];
	argv[n++] = limit_text(arena, "passed", passed);
	return n;
}

int selftest_launch(struct selftest *self, struct selftest_pass *pass, const char *const *argv,
		    const struct selftest_asked *asked, struct result *result, struct err *e)
{
	OWN(str) output = STR_NONE;
	const struct launch launch = { .policy = &self->policy,
				       .host = &self->host,
				       .socket = self->socket,
				       .argv = argv,
				       .pty = asked->pty,
				       .in_kernels_place = asked->without == GUARD_GVISOR,
				       .without = asked->without < LAYERS ? asked->without : LAYERS };

	/* Keepers end behind the result and come to us; dead ones count against a user's limit. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	self->host.tasks = 0; /* counted anew */
	if (launch_box(&launch, &output, result, e) < 0)
		return -1;
	if (result->ended_by_user)
		return err_set(e, ERR_SYSTEM, "ended by a signal");
	return selftest_read(pass, str_text(&output), output.len, e);
}

int selftest_ask_box(struct selftest *self, struct selftest_pass *pass, const struct selftest_asked *asked,
		     struct result *result, struct err *e)
{
	enum { FIXED = 64 };
	OWN(arena) arena = { .blocks = NULL };
	OWN_MEM const char **argv = mem_alloc((FIXED + asked->n) * sizeof(*argv));
	size_t n = 1;

	argv[0] = self->kind ? self->guest : self->markers.probe;
	if (asked->without == GUARD_SEAL)
		argv[n++] = "seal=no";
	markers_describe(&self->markers, argv, &n, FIXED - 16);
	n += describe_policy(self, &arena, argv + n);
	for (size_t i = 0; i < asked->n; i++)
		argv[n++] = asked->only[i];
	if (self->kind)
		selftest_engine_use(self, self->in_its_place);
	return selftest_launch(self, pass, argv, asked, result, e);
}

/* A process whose command line has the token, 0 when there is none. */
static int find_marked(const char *token)
{
	DIR *const dir = opendir("/proc");
	int found = 0;

	if (!dir)
		return 0;
	for (const struct dirent *entry; !found && (entry = readdir(dir));) {
		char path[300], line[4096];
		const int pid = atoi(entry->d_name);

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		OWN_FD int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		const ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line));

		if (len > 0 && memmem(line, (size_t)len, token, strlen(token)))
			found = pid;
	}
	closedir(dir);
	return found;
}

/* A box is torn down behind its result, in milliseconds; what lives on after a second was left
 * behind (and would end by itself after eight). */
static void watch(struct selftest *self, struct selftest_record *record)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int pid = find_marked(self->markers.token);

	for (int i = 0; pid && i < 50; i++) {
		nanosleep(&nap, NULL);
		pid = find_marked(self->markers.token);
	}
	if (record->kind == OUTCOME_ALLOWED) {
		record->kind = pid ? OUTCOME_ALLOWED : OUTCOME_REFUSED;
		snprintf(record->detail, sizeof(record->detail), "%s",
			 pid ? "a process outlived the box" : "gone with the box");
	}
	if (pid)
		kill(pid, SIGKILL);
}

/* A box that was set up and in which the probe began. */
int selftest_check_ran(const struct result *result, struct err *e)
{
	if (result->verdict == VERDICT_SETUP || result->verdict == VERDICT_INTERNAL) {
		*e = result->err;
		return -1;
	}
	if (result->stage == STAGE_EXEC)
		return err_set(e, ERR_SYSTEM, "ward-probe could not be executed in the box");
	return 0;
}

/* A box for one attempt, with limits of its own, given back afterwards. */
static int try_alone(struct selftest *self, struct selftest_pass *pass, enum layer without,
		     const struct attempt_row *row, struct err *e)
{
	struct policy *const policy = &self->policy;
	const size_t grants_bytes = policy->n_grants * sizeof(*policy->grants);
	struct selftest_record *const record = &pass->records[attempt_index(row)];
	OWN_MEM struct grant *grants = mem_alloc(grants_bytes + 1);
	struct policy_value values[KEYS];
	struct result result;
	const char *const only[] = { arena_printf(&self->arena, "only=%s", row->id), "fork=no" };
	const struct selftest_asked asked = { only, ARRAY_SIZE(only),
				     (row->how & HOW_TERMINAL) && !self->is_process, without };
	int status = 0;

	memcpy(values, policy->values, sizeof(values));
	memcpy(grants, policy->grants, grants_bytes);
	lower_limits(policy, row, self->cpu_ms);
	for (int round = row->how & HOW_TWICE ? 2 : 1; round && status == 0; round--) {
		*record = (struct selftest_record){ .begun = false };
		status = selftest_ask_box(self, pass, &asked, &result, e);
	}
	memcpy(policy->values, values, sizeof(values));
	memcpy(policy->grants, grants, grants_bytes);
	if (status < 0 || (result.stage == STAGE_EXEC && selftest_check_ran(&result, e) < 0))
		return -1;
	selftest_settle(pass, row, &result);
	if (row->how & HOW_WATCHED)
		watch(self, record);
	return 0;
}

/* Rows that may end their box, and (with a policy of one process, say) those the common box left
 * open. */
static bool needs_own_box(const struct selftest *self, const struct selftest_pass *pass,
			  enum layer without, const struct attempt_row *row)
{
	if (!self->selected[attempt_index(row)] || !attempt_is_native(row) ||
	    pass->records[attempt_index(row)].kind != OUTCOME_NONE)
		return false;
	return without == LAYERS || !(row->how & HOW_SLOW) || (row->layers & LAYER_BIT(without));
}

int selftest_pass_make(struct selftest *self, struct selftest_pass *pass, enum layer without,
		     struct result *result, struct err *e)
{
	OWN_MEM const char **only = mem_alloc(attempt_count() * sizeof(*only));
	size_t n = 0;

	selftest_pass_init(pass);
	/* An engine's process has no second one: each attempt gets a box. */
	for (size_t i = 0; !self->kind && i < attempt_count(); i++)
		if (self->selected[i] && attempt_is_native(attempt_at(i)) && !(attempt_at(i)->how & HOW_ALONE))
			only[n++] = arena_printf(&self->arena, "only=%s", attempt_at(i)->id);
	const struct selftest_asked asked = { only, n, false, without };
	if (n && (selftest_ask_box(self, pass, &asked, result, e) < 0 || selftest_check_ran(result, e) < 0))
		return -1;
	for (size_t i = 0; i < attempt_count(); i++)
		if (needs_own_box(self, pass, without, attempt_at(i)) &&
		    try_alone(self, pass, without, attempt_at(i), e) < 0)
			return -1;
	return self->kind ? selftest_engine_pass(self, pass, without, result, e) : 0;
}
