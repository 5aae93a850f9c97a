/* The js boundary: a container whose only program is the engine, ward-v8, and whose only files are the engine's
 * libraries, the script and what it may import. A script has the language; each runs in a process of its own that the
 * engine's first process forks and seals (src/v8/guest.c), inside that container. */
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/engine.h"
#include "boundary/parts.h"

#define SCRIPT "/ward/script"
/* The engine's first process and the guest; for requests besides its forks that wait, those that are about to be gone, and the
 * one that answers (src/v8/ahead.h). Beyond that only a leak. */
#define PIDS 4
#define PIDS_REQUESTS 12

/* What the zygote leaves itself when it seals itself, and what it takes until then (src/v8/guest_seal.c). */
static const uint16_t calls[] = {
#define GUEST(name) SYS_##name,
#define SERVE(name) SYS_##name,
#define ZYGOTE(name) SYS_##name,
#include "model/guest_calls.def"
#undef GUEST
#undef SERVE
#undef ZYGOTE
	SYS_openat2, SYS_signalfd4, SYS_rt_sigprocmask, SYS_pkey_mprotect, SYS_readlinkat,
	SYS_memfd_create, SYS_ftruncate, SYS_fcntl, SYS_sched_getattr, SYS_sched_setattr,
	/* what a guest's filter refuses, and this one would kill for: guest_seal.c */
	SYS_stat, SYS_lstat, SYS_newfstatat, SYS_fstat, SYS_getcwd, SYS_tgkill, SYS_lseek,
};

static int check_grant(struct rung *rung, const struct grant *grant, struct err *e)
{
	struct path_info info;

	if (strcmp(grant->what, "image") == 0)
		return err_set(e, ERR_UNSUPPORTED, "%s: a script sees modules that are granted to it, not an image; grant "
			       "them one by one", parts_where(rung, grant));
	if (grant->kind == GRANT_WRITE)
		return err_set(e, ERR_UNSUPPORTED, "%s: a script writes no files; take the grant out, and let the script "
			       "hand its result to ward.output()", parts_where(rung, grant));
	return parts_check_grant(rung, grant, &info, e);
}

/* What the script is called in the names of modules: its place below a grant, so that its neighbours there can be
 * imported relative to it; else a name beside which nothing is. */
static const char *name_of(struct rung *rung, const struct grant *const *grants)
{
	const char *const path = rung->payload->program_path, *const slash = strrchr(path, '/');

	for (size_t i = rung->policy->n_grants; i > 0; i--) {
		const struct grant *const grant = grants[i - 1];
		const size_t len = grant->what ? strlen(grant->what) : 0;

		if (grant->what && *grant->what == '/' && strncmp(path, grant->what, len) == 0 && path[len] == '/')
			return arena_printf(&rung->arena, "%s%s", strcmp(grant->as, "/") == 0 ? "" : grant->as, path + len);
	}
	return arena_printf(&rung->arena, "/ward/%s", slash ? slash + 1 : path);
}

/* Each granted path at a place of its own, flat; what the script calls it is only a name. */
static int grant_modules(struct rung *rung, struct policy *policy, struct engine_words *words, struct err *e)
{
	const struct policy *const from = rung->policy;
	const struct grant *const *const grants = parts_in_order(rung);
	size_t number = 0;

	for (size_t i = 0; i < from->n_grants; i++) {
		const struct grant *const grant = grants[i];
		struct grant added = *grant;

		if (grant->kind == GRANT_SCRATCH || engine_ignores(grant))
			continue;
		if (check_grant(rung, grant, e) < 0)
			return -1;
		added.as = engine_place(rung, arena_printf(&rung->arena, "/guest/%zu", number++), grant->what);
		added.kind = GRANT_READ;
		added.may_exec = false;
		policy->grants[policy->n_grants++] = added;
		words->at[words->n++] = arena_printf(&rung->arena, "--read=%s:%s", added.as, grant->as);
	}
	words->at[words->n++] = arena_printf(&rung->arena, "--name=%s", name_of(rung, grants));
	return 0;
}

static void add_number(struct rung *rung, struct engine_words *words, const char *name, uint64_t n)
{
	if (n)
		words->at[words->n++] = arena_printf(&rung->arena, "--%s=%" PRIu64, name, n);
}

/* What the engine closes, and the limits of each guest. */
static void add_options(struct rung *rung, struct engine_words *words)
{
	const struct policy *const policy = rung->policy;
	const struct {
		bool given;
		const char *word;
	} rows[] = {
		/* Memory that was written is never executed: then there is no machine code either. */
		{ !policy_n(policy, KEY_JS_JIT) || policy_n(policy, KEY_MDWE), "--no-jit" },
		{ policy_n(policy, KEY_JS_EVAL), "--eval" },
		{ policy_n(policy, KEY_JS_WASM), "--wasm" },
		{ policy_n(policy, KEY_JS_SHARED), "--shared-memory" },
		{ rung->payload->guest == GUEST_REQUESTS || rung->payload->serves, "--requests" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].given)
			words->at[words->n++] = rows[i].word;
	if (rung->payload->guest == GUEST_ZYGOTE)
		return;
	add_number(rung, words, "memory", policy_n(policy, KEY_MEMORY));
	add_number(rung, words, "cpu-us", policy_n(policy, KEY_CPU) * 1000);
	if (rung->payload->guest == GUEST_REQUESTS)
		add_number(rung, words, "wall-us", policy_n(policy, KEY_WALL) * 1000);
}

#define OPTIONS 9 /* of add_options(), --name, the script */

static int plan_zygote(struct rung *rung, struct policy *policy, struct err *e)
{
	struct engine_words words = engine_words(rung, "zygote", OPTIONS);

	/* Of one process; a zygote has its guests' clocks and none of its own. */
	policy->values[KEY_CPU].set = policy->values[KEY_WALL].set = false;

	if (!rung->payload->n_pass)
		return err_set(e, ERR_BUG, "a zygote without a control channel");
	words.at[words.n++] = arena_printf(&rung->arena, "--control=%d", rung->payload->pass_numbers[0]);
	add_options(rung, &words);
	engine_words_end(rung, &words, false);
	return engine_plan(rung, policy, calls, ARRAY_SIZE(calls), "js", e);
}

static int plan_script(struct rung *rung, struct policy *policy, struct err *e)
{
	struct engine_words words = engine_words(rung, "js", rung->policy->n_grants + OPTIONS);

	add_options(rung, &words);
	if (engine_grant_program(rung, policy, SCRIPT, "script", e) < 0 || grant_modules(rung, policy, &words, e) < 0)
		return -1;
	words.at[words.n++] = engine_place(rung, SCRIPT, rung->payload->program_path);
	engine_words_end(rung, &words, true);
	if (policy->values[KEY_PIDS].set)
		policy->values[KEY_PIDS].n = rung->payload->guest == GUEST_REQUESTS ? PIDS_REQUESTS : PIDS;
	/* Then they are of each request, and of the top level. */
	if (rung->payload->guest == GUEST_REQUESTS)
		policy->values[KEY_CPU].set = policy->values[KEY_WALL].set = false;
	return engine_plan(rung, policy, calls, ARRAY_SIZE(calls), "js", e);
}

static int js_plan(struct rung *rung, struct err *e)
{
	struct policy *const policy = engine_narrow(rung, 1);

	if (policy_n(policy, KEY_MDWE) && policy_n(policy, KEY_JS_WASM))
		return err_set(e, ERR_UNSUPPORTED, "js.wasm: the engine makes machine code of a module, which hardening.mdwe "
			       "forbids; take one of them out");
	if ((rung->payload->guest == GUEST_ZYGOTE ? plan_zygote : plan_script)(rung, policy, e) < 0)
		return -1;
	rung->plan->boundary = BOUNDARY_JS;
	return 0;
}

extern const struct boundary boundary_js;
const struct boundary boundary_js = {
	.name = "js",
	.summary = "JavaScript in an engine of its own, inside a container",
	.has_mounts = true,
	.reads_program = true,
	.probe = engine_probe,
	.plan = js_plan,
};
