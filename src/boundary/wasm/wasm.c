/* The wasm boundary: a container whose only program is the engine, ward-v8, and whose only files are the
 * engine's libraries, the module and what the policy grants. The module has no system calls and no paths; what
 * breaks out of the engine stands in that container. */
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/parts.h"

#define WORKER "/ward/ward-v8"
#define MODULE "/ward/module.wasm"

/* What the engine's process needs to start, and what it leaves itself when it seals itself (src/v8/seal.c). The
 * policy's own list is for programs; a module makes no calls. */
static const uint16_t worker_calls[] = {
	SYS_execve, SYS_open, SYS_openat, SYS_access, SYS_read, SYS_pread64, SYS_arch_prctl, SYS_set_tid_address,
	SYS_set_robust_list, SYS_rseq, SYS_prlimit64, SYS_sysinfo, SYS_uname, SYS_sched_getaffinity, SYS_rt_sigaction,
	SYS_sigaltstack, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_readlink, SYS_fstatfs, SYS_prctl,
	SYS_seccomp, SYS_pkey_alloc, SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self,
#define ENGINE(name) SYS_##name,
#define WASI(name) SYS_##name,
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
};

/* Directories the loader looks into, as far as the host has them; where /usr is merged, the latter two are below
 * links. */
static const char *const library_trees[][2] = {
	{ "/usr", "/usr/lib/x86_64-linux-gnu" }, { "/usr", "/usr/lib64" },
	{ "/lib", "/lib/x86_64-linux-gnu" }, { "/lib64", "/lib64" },
};
static const char *const links[] = { "/lib", "/lib64" };

/* What stands around the engine. */
static const struct boundary *jail(void)
{
	return boundary_find("container");
}

static int wasm_probe(const struct host *host, struct err *e)
{
	if (jail()->probe(host, e) < 0)
		return -1;
	if (!*host->engine)
		return err_set(e, ERR_UNSUPPORTED, "%s", host->engine_why);
	return 0;
}

static const char *copy(struct rung *rung, const char *text)
{
	return arena_copy(&rung->arena, text, strlen(text));
}

static const char *place(const struct rung *rung, const char *inside, const char *outside)
{
	return rung->payload->in_place ? outside : inside;
}

static void add_grant(struct policy *policy, enum grant_kind kind, const char *what, const char *as)
{
	policy->grants[policy->n_grants++] = (struct grant){
		.kind = kind, .what = what, .as = as, .origin = { .source = "ward-v8" },
	};
}

static int grant_engine(struct rung *rung, struct policy *policy, struct err *e)
{
	const struct host *const host = rung->host;
	const char *const module = rung->payload->program_path;

	for (size_t i = 0; i < ARRAY_SIZE(library_trees); i++)
		if (parts_look(rung, library_trees[i][0]).kind == PATH_DIR &&
		    parts_look(rung, library_trees[i][1]).kind == PATH_DIR)
			add_grant(policy, GRANT_EXEC, library_trees[i][1], library_trees[i][1]);
	add_grant(policy, GRANT_EXEC, host->engine, place(rung, WORKER, host->engine));
	if (*host->engine_libs)
		add_grant(policy, GRANT_EXEC, host->engine_libs, host->engine_libs);
	const enum path_kind kind = parts_look(rung, module).kind;
	/* One that is not there is for the engine to miss: it ends with 127, as a shell would. */
	if (kind == PATH_FILE)
		add_grant(policy, GRANT_READ, module, place(rung, MODULE, module));
	return kind == PATH_FILE || kind == PATH_ABSENT ? 0 :
		err_set(e, ERR_USAGE, "%.200s is no file; name the WebAssembly module itself", module);
}

static int check_preopen(struct rung *rung, const struct grant *grant, struct err *e)
{
	struct path_info info;

	if (grant->kind == GRANT_SCRATCH)
		return 0;
	if (strcmp(grant->what, "image") == 0)
		return err_set(e, ERR_UNSUPPORTED, "%s: a module sees directories that are granted to it, not an image; grant "
			       "them one by one", parts_where(rung, grant));
	if (parts_check_grant(rung, grant, &info, e) < 0)
		return -1;
	if (info.kind != PATH_DIR)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s is a file, and a module can be given directories only; grant the "
			       "one it is in", parts_where(rung, grant), grant->what);
	return 0;
}

/* The words of the worker's command line. */
struct words {
	const char **at;
	size_t n;
};

static const char *preopen_word(struct rung *rung, const struct grant *grant, const char *name)
{
	const bool writes = grant->kind == GRANT_WRITE || grant->kind == GRANT_SCRATCH;

	return arena_printf(&rung->arena, "--%s=%s:%s", writes ? "write" : "read", grant->as, name);
}

/* Each granted directory at a place of its own, flat: none is mounted inside another, and the guest's name for it
 * is only a name. The one that is the policy's working directory comes first, as "." too. */
static int grant_preopens(struct rung *rung, struct policy *policy, struct words *words, struct err *e)
{
	const struct policy *const from = rung->policy;
	const struct grant *const *const grants = parts_in_order(rung);
	const char *const cwd = policy_text(from, KEY_CWD);
	const size_t first = words->n++; /* kept for "." */
	size_t number = 0;

	words->at[first] = NULL;
	for (size_t i = 0; i < from->n_grants; i++) {
		const struct grant *const grant = grants[i];
		struct grant added = *grant;

		if (grant->kind != GRANT_SCRATCH && strcmp(grant->what, "host") == 0)
			continue; /* programs and libraries: nothing for a module */
		if (check_preopen(rung, grant, e) < 0)
			return -1;
		added.as = place(rung, arena_printf(&rung->arena, "/guest/%zu", number++),
				 grant->kind == GRANT_SCRATCH ? grant->as : grant->what);
		added.kind = grant->kind == GRANT_EXEC ? GRANT_READ : grant->kind;
		added.may_exec = false;
		policy->grants[policy->n_grants++] = added;
		if (cwd && strcmp(cwd, grant->as) == 0)
			words->at[first] = preopen_word(rung, &added, ".");
		words->at[words->n++] = preopen_word(rung, &added, grant->as);
	}
	if (!words->at[first])
		memmove(words->at + first, words->at + first + 1, (words->n-- - first) * sizeof(*words->at));
	return 0;
}

/* The container's policy: the same limits, and none of what is for programs. */
static struct policy *narrowed(struct rung *rung)
{
	struct policy *const policy = arena_alloc(&rung->arena, sizeof(*policy));

	*policy = *rung->policy;
	policy->grants = arena_alloc(&rung->arena, (policy->n_grants + ARRAY_SIZE(library_trees) + 3) * sizeof(*policy->grants));
	policy->n_grants = 0;
	policy->values[KEY_NETWORK] = (struct policy_value){ .set = true, .n = NETWORK_NONE };
	policy->ports_listed = false;
	policy->n_bind = policy->n_connect = 0;
	policy->values[KEY_PROC] = (struct policy_value){ .set = true, .n = PROC_NONE };
	policy->values[KEY_CWD] = (struct policy_value){ .set = false };
	return policy;
}

static void allow_calls(struct rung *rung, struct policy *policy)
{
	struct filter_row *const rows = arena_alloc(&rung->arena, ARRAY_SIZE(worker_calls) * sizeof(*rows));

	for (size_t i = 0; i < ARRAY_SIZE(worker_calls); i++)
		rows[i] = (struct filter_row){ .nr = worker_calls[i], .act = FILTER_ALLOW, .origin = "wasm" };
	policy->syscalls.rows = rows;
	policy->syscalls.n_rows = ARRAY_SIZE(worker_calls);
}

/* What the policy says of the environment, without what programs get besides. */
static const char *const *guest_environment(struct rung *rung)
{
	const struct policy *const policy = rung->policy;
	const char **const out = arena_alloc(&rung->arena, (policy->n_env + 1) * sizeof(*out));
	size_t n = 0;

	for (const char *const *at = rung->payload->envp; *at; at++)
		for (size_t i = 0; i < policy->n_env && n < policy->n_env; i++) {
			const size_t len = strlen(policy->env[i].name);

			if (strncmp(*at, policy->env[i].name, len) != 0 || (*at)[len] != '=')
				continue;
			out[n++] = *at;
			break;
		}
	return out;
}

static void finish_words(struct rung *rung, struct words *words)
{
	const struct payload *const from = rung->payload;
	struct payload *const payload = arena_alloc(&rung->arena, sizeof(*payload));

	words->at[words->n++] = place(rung, MODULE, from->program_path);
	for (const char *const *at = from->argv; *at; at++)
		words->at[words->n++] = *at;
	*payload = *from;
	payload->argv = words->at;
	payload->envp = guest_environment(rung);
	rung->payload = payload;
}

static struct words begin_words(struct rung *rung)
{
	const uint64_t memory = policy_n(rung->policy, KEY_MEMORY);
	struct words words = { .n = 0 };
	size_t n = 0;

	while (rung->payload->argv[n])
		n++;
	n += rung->policy->n_grants + rung->payload->n_pass + 6; /* its own words, ".", the end */
	words.at = arena_alloc(&rung->arena, n * sizeof(*words.at));
	words.at[words.n++] = place(rung, WORKER, rung->host->engine);
	words.at[words.n++] = "wasm";
	if (memory)
		words.at[words.n++] = arena_printf(&rung->arena, "--memory=%" PRIu64, memory);
	for (size_t i = 0; i < rung->payload->n_pass; i++)
		words.at[words.n++] = arena_printf(&rung->arena, "--pass=%d", rung->payload->pass_numbers[i]);
	return words;
}

static int wasm_plan(struct rung *rung, struct err *e)
{
	struct policy *const policy = narrowed(rung);
	struct words words;

	if (policy_n(policy, KEY_MDWE))
		return err_set(e, ERR_UNSUPPORTED, "hardening.mdwe: the engine makes machine code of a module, in memory that "
			       "it writes; take it out of the policy, or use boundary: container for a program");
	words = begin_words(rung);
	if (grant_engine(rung, policy, e) < 0 || grant_preopens(rung, policy, &words, e) < 0)
		return -1;
	allow_calls(rung, policy);
	finish_words(rung, &words);
	rung->reserves = true;
	rung->policy = policy;
	if (jail()->plan(rung, e) < 0)
		return -1;
	rung->plan->boundary = BOUNDARY_WASM;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		const struct path_info info = parts_look(rung, links[i]);

		if (info.kind == PATH_LINK)
			plan_add(rung->plan, OP_SYMLINK, .s = links[i], .t = copy(rung, info.link));
	}
	return 0;
}

extern const struct boundary boundary_wasm;
const struct boundary boundary_wasm = {
	.name = "wasm",
	.summary = "a WebAssembly module in an engine of its own, inside a container",
	.has_mounts = true,
	.reads_program = true,
	.probe = wasm_probe,
	.plan = wasm_plan,
};
