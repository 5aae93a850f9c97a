/* The wasm boundary: a container whose only program is the engine, ward-v8, and whose only files are the
 * engine's libraries, the module and what the policy grants; or the one program that was compiled of the module. The module has no system calls and no paths; what
 * breaks out of the engine stands in that container. */
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/boundary.h"
#include "boundary/engine.h"
#include "boundary/parts.h"

#define MODULE "/ward/module.wasm"
#define COMPILED "/ward/module"

/* What the engine's process leaves itself when it seals itself (src/module/seal.c). */
static const uint16_t calls[] = {
#define ENGINE(name) SYS_##name,
#define WASI(name) SYS_##name,
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
};

/* What a module that was compiled needs to start, static as it is, and then. It makes no code of its own: nothing is mapped
 * to be executed but what the kernel maps to start it. Of the engine's calls it has no more than that. */
static const struct filter_row compiled_rows[] = {
#define ALLOW(name, ...) { .nr = SYS_##name, .act = FILTER_ALLOW, .origin = "wasm", __VA_ARGS__ }
#define NO_CODE .n_tests = 1, .tests = { { 2, FILTER_EQ, 4 /* PROT_EXEC */, 0 } }
	ALLOW(execve), ALLOW(openat), ALLOW(arch_prctl), ALLOW(set_tid_address), ALLOW(set_robust_list), ALLOW(rseq),
	ALLOW(prlimit64), ALLOW(rt_sigaction), ALLOW(sigaltstack), ALLOW(readlink), ALLOW(fstatfs), ALLOW(prctl), ALLOW(seccomp),
	ALLOW(landlock_create_ruleset), ALLOW(landlock_add_rule), ALLOW(landlock_restrict_self),
	ALLOW(mmap, NO_CODE), ALLOW(mprotect, NO_CODE), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(brk), ALLOW(getpid),
	ALLOW(gettid), ALLOW(tgkill), ALLOW(rt_sigreturn), ALLOW(rt_sigprocmask), ALLOW(exit_group),
#undef NO_CODE
#define ENGINE(name)
#define WASI(name) ALLOW(name),
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
#undef ALLOW
};

/* A plug-in's leaves itself no WASI (src/v8/plugin.c): its socket and its timer; the second line is its loader's. */
static const uint16_t plugin_calls[] = {
#define ENGINE(name) SYS_##name,
#define WASI(name)
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
	SYS_sendmsg, SYS_setitimer, SYS_write, SYS_clock_gettime, SYS_getrandom,
	SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_readv, SYS_fcntl, SYS_ioctl,
};

/* What a zygote and its guests have between them, and what it takes until then (src/v8/guest_seal.c). */
static const uint16_t zygote_calls[] = {
#define GUEST(name) SYS_##name,
#define SERVE(name) SYS_##name,
#define ZYGOTE(name) SYS_##name,
#include "model/guest_calls.def"
#undef GUEST
#undef SERVE
#undef ZYGOTE
#define ENGINE(name) SYS_##name,
#define WASI(name) SYS_##name,
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
	SYS_signalfd4, SYS_stat, SYS_lstat, SYS_getcwd, SYS_memfd_create, SYS_sched_getattr, SYS_sched_setattr,
};

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

static const char *preopen_word(struct rung *rung, const struct grant *grant, const char *name)
{
	const bool writes = grant->kind == GRANT_WRITE || grant->kind == GRANT_SCRATCH;

	return arena_printf(&rung->arena, "--%s=%s:%s", writes ? "write" : "read", grant->as, name);
}

/* Each granted directory at a place of its own, flat: none is mounted inside another, and the guest's name for it
 * is only a name. The one that is the policy's working directory comes first, as "." too. */
static int grant_preopens(struct rung *rung, struct policy *policy, struct engine_words *words,
			  struct err *e)
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

		if (engine_ignores(grant))
			continue;
		if (check_preopen(rung, grant, e) < 0)
			return -1;
		added.as = engine_place(rung, arena_printf(&rung->arena, "/guest/%zu", number++),
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

/* Guests are ordered on the one descriptor that is passed. A program_path is the module of all of them. */
static int plan_zygote(struct rung *rung, struct policy *policy, struct err *e)
{
	/* Its own two, ".", the module. */
	struct engine_words words = engine_words(rung, "zygote", rung->policy->n_grants + 4);

	/* Of one process; a zygote has its guests' clocks and none of its own. */
	policy->values[KEY_CPU].set = policy->values[KEY_WALL].set = false;
	if (!rung->payload->n_pass)
		return err_set(e, ERR_BUG, "a zygote without a control channel");
	words.at[words.n++] = arena_printf(&rung->arena, "--control=%d", rung->payload->pass_numbers[0]);
	words.at[words.n++] = "--modules";
	if (rung->payload->program_path) {
		if (engine_grant_program(rung, policy, MODULE, "WebAssembly module", e) < 0)
			return -1;
		words.at[words.n++] = arena_printf(&rung->arena, "--module=%s", engine_place(rung, MODULE, rung->payload->program_path));
	}
	if (grant_preopens(rung, policy, &words, e) < 0)
		return -1;
	engine_words_end(rung, &words, false);
	return engine_plan(rung, policy, zygote_calls, ARRAY_SIZE(zygote_calls), "wasm", e);
}

static struct engine_words begin_words(struct rung *rung)
{
	const uint64_t memory = policy_n(rung->policy, KEY_MEMORY);
	/* Memory, ".", the module. */
	struct engine_words words = engine_words(rung, "wasm", rung->policy->n_grants + rung->payload->n_pass + 3);

	if (memory)
		words.at[words.n++] = arena_printf(&rung->arena, "--memory=%" PRIu64, memory);
	for (size_t i = 0; i < rung->payload->n_pass; i++)
		words.at[words.n++] = arena_printf(&rung->arena, "--pass=%d", rung->payload->pass_numbers[i]);
	return words;
}

/* A plug-in's module comes over the one descriptor that is passed; its process has no files at all. */
static int plan_plugin(struct rung *rung, struct policy *policy, struct err *e)
{
	struct engine_words words;

	if (rung->payload->n_pass != 1)
		return err_set(e, ERR_USAGE, "a plug-in has one descriptor, its host's; write --pass-fd N once");
	words = engine_words(rung, "plugin", 1);
	words.at[words.n++] = arena_printf(&rung->arena, "%d", rung->payload->pass_numbers[0]);
	engine_words_end(rung, &words, false);
	return engine_plan(rung, policy, plugin_calls, ARRAY_SIZE(plugin_calls), "plugin", e);
}

/* The program is the module and its engine in one. */
static int plan_compiled(struct rung *rung, struct policy *policy, struct err *e)
{
	struct engine_words words = begin_words(rung);

	policy->values[KEY_MDWE] = (struct policy_value){ .set = true, .n = 1 };
	if (engine_grant_program(rung, policy, COMPILED, "compiled module", e) < 0 || grant_preopens(rung, policy, &words, e) < 0)
		return -1;
	words.at[0] = engine_place(rung, COMPILED, rung->payload->program_path);
	words.at[words.n++] = "-";
	engine_words_end(rung, &words, true);
	return engine_plan_rows(rung, policy, compiled_rows, ARRAY_SIZE(compiled_rows), e);
}

static int plan_module(struct rung *rung, struct policy *policy, struct err *e)
{
	struct engine_words words = begin_words(rung);

	if (engine_grant_program(rung, policy, MODULE, "WebAssembly module", e) < 0 || grant_preopens(rung, policy, &words, e) < 0)
		return -1;
	words.at[words.n++] = engine_place(rung, MODULE, rung->payload->program_path);
	engine_words_end(rung, &words, true);
	return engine_plan(rung, policy, calls, ARRAY_SIZE(calls), "wasm", e);
}

static int wasm_plan(struct rung *rung, struct err *e)
{
	const struct payload *const payload = rung->payload;
	struct policy *const policy = engine_narrow(rung, 1);

	if (policy_n(policy, KEY_MDWE) && !payload->is_compiled)
		return err_set(e, ERR_UNSUPPORTED, "hardening.mdwe: the engine makes machine code of a module, in memory that "
			       "it writes; take it out of the policy, compile the module before (`ward precompile`), or use boundary: "
			       "container for a program");
	if ((payload->is_plugin ? plan_plugin : payload->guest == GUEST_ZYGOTE ? plan_zygote :
	     payload->is_compiled ? plan_compiled : plan_module)(rung, policy, e) < 0)
		return -1;
	rung->plan->boundary = BOUNDARY_WASM;
	return 0;
}

extern const struct boundary boundary_wasm;
const struct boundary boundary_wasm = {
	.name = "wasm",
	.summary = "a WebAssembly module in an engine of its own, inside a container",
	.has_mounts = true,
	.reads_program = true,
	.probe = engine_probe,
	.plan = wasm_plan,
};
