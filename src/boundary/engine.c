/* The container around the engine. Refuses nothing that the container does not; it leaves out. */
#include "boundary/engine.h"

#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "boundary/parts.h"

/* What ward-v8 needs to start and to seal itself. The policy's own list is for programs; a guest makes no calls. */
static const uint16_t start_calls[] = {
	SYS_execve, SYS_open, SYS_openat, SYS_access, SYS_read, SYS_pread64, SYS_arch_prctl, SYS_set_tid_address,
	SYS_set_robust_list, SYS_rseq, SYS_prlimit64, SYS_sysinfo, SYS_uname, SYS_sched_getaffinity, SYS_rt_sigaction,
	SYS_sigaltstack, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_readlink, SYS_fstatfs, SYS_prctl,
	SYS_seccomp, SYS_pkey_alloc, SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self,
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

int engine_probe(const struct host *host, struct err *e)
{
	if (jail()->probe(host, e) < 0)
		return -1;
	if (!*host->engine)
		return err_set(e, ERR_UNSUPPORTED, "%s", host->engine_why);
	return 0;
}

const char *engine_place(const struct rung *rung, const char *inside, const char *outside)
{
	return rung->payload->in_place ? outside : inside;
}

void engine_grant(struct policy *policy, enum grant_kind kind, const char *what, const char *as)
{
	policy->grants[policy->n_grants++] = (struct grant){
		.kind = kind, .what = what, .as = as, .origin = { .source = "ward-v8" },
	};
}

static void grant_libraries(struct rung *rung, struct policy *policy)
{
	const struct host *const host = rung->host;

	for (size_t i = 0; i < ARRAY_SIZE(library_trees); i++)
		if (parts_look(rung, library_trees[i][0]).kind == PATH_DIR &&
		    parts_look(rung, library_trees[i][1]).kind == PATH_DIR)
			engine_grant(policy, GRANT_EXEC, library_trees[i][1], library_trees[i][1]);
	engine_grant(policy, GRANT_EXEC, host->engine, engine_place(rung, ENGINE_WORKER, host->engine));
	if (*host->engine_libs)
		engine_grant(policy, GRANT_EXEC, host->engine_libs, host->engine_libs);
}

struct policy *engine_narrow(struct rung *rung, size_t more)
{
	struct policy *const policy = arena_alloc(&rung->arena, sizeof(*policy));
	const size_t room = rung->policy->n_grants + ARRAY_SIZE(library_trees) + 2 + more;

	*policy = *rung->policy;
	policy->grants = arena_alloc(&rung->arena, room * sizeof(*policy->grants));
	policy->n_grants = 0;
	policy->values[KEY_NETWORK] = (struct policy_value){ .set = true, .n = NETWORK_NONE };
	policy->ports_listed = false;
	policy->n_bind = policy->n_connect = 0;
	policy->values[KEY_PROC] = (struct policy_value){ .set = true, .n = PROC_NONE };
	policy->values[KEY_CWD] = (struct policy_value){ .set = false };
	if (!rung->payload->is_compiled)
		grant_libraries(rung, policy);
	return policy;
}

int engine_grant_program(struct rung *rung, struct policy *policy, const char *as, const char *kind, struct err *e)
{
	const char *const program = rung->payload->program_path;
	const enum path_kind found = parts_look(rung, program).kind;

	if (found == PATH_FILE)
		engine_grant(policy, rung->payload->is_compiled ? GRANT_EXEC : GRANT_READ, program, engine_place(rung, as, program));
	return found == PATH_FILE || found == PATH_ABSENT ? 0 :
		err_set(e, ERR_USAGE, "%.200s is no file; name the %s itself", program, kind);
}

bool engine_ignores(const struct grant *grant)
{
	return grant->kind != GRANT_SCRATCH && strcmp(grant->what, "host") == 0;
}

struct engine_words engine_words(struct rung *rung, const char *mode, size_t more)
{
	struct engine_words words = { .n = 0 };
	size_t n = more + 3; /* its own two words, the end */

	for (const char *const *at = rung->payload->argv; *at; at++)
		n++;
	words.at = arena_alloc(&rung->arena, n * sizeof(*words.at));
	words.at[words.n++] = engine_place(rung, ENGINE_WORKER, rung->host->engine);
	words.at[words.n++] = mode;
	return words;
}

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

void engine_words_end(struct rung *rung, struct engine_words *words, bool own)
{
	const struct payload *const from = rung->payload;
	struct payload *const payload = arena_alloc(&rung->arena, sizeof(*payload));

	for (const char *const *at = from->argv; own && *at; at++)
		words->at[words->n++] = *at;
	*payload = *from;
	payload->argv = words->at;
	payload->envp = guest_environment(rung);
	rung->payload = payload;
}

static void allow(struct filter_row *rows, const uint16_t *calls, size_t n, const char *origin)
{
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct filter_row){ .nr = calls[i], .act = FILTER_ALLOW, .origin = origin };
}

int engine_plan_rows(struct rung *rung, struct policy *policy, const struct filter_row *rows, size_t n, struct err *e)
{
	struct filter_row *const own = arena_alloc(&rung->arena, n * sizeof(*own) + 1);

	memcpy(own, rows, n * sizeof(*own));
	policy->syscalls.rows = own;
	policy->syscalls.n_rows = n;
	rung->reserves = true;
	rung->policy = policy;
	return jail()->plan(rung, e);
}

int engine_plan(struct rung *rung, struct policy *policy, const uint16_t *calls, size_t n, const char *origin, struct err *e)
{
	struct filter_row *const rows = arena_alloc(&rung->arena, (ARRAY_SIZE(start_calls) + n) * sizeof(*rows));

	allow(rows, start_calls, ARRAY_SIZE(start_calls), origin);
	allow(rows + ARRAY_SIZE(start_calls), calls, n, origin);
	if (engine_plan_rows(rung, policy, rows, ARRAY_SIZE(start_calls) + n, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		const struct path_info info = parts_look(rung, links[i]);

		if (info.kind == PATH_LINK)
			plan_add(rung->plan, OP_SYMLINK, .s = links[i],
				 .t = arena_copy(&rung->arena, info.link, strlen(info.link)));
	}
	return 0;
}
