/* Chooses a boundary and has it plan. Refuses to fall back to what the policy does not name. */
#include "cmd/fit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/host.h"
#include "cmd/image_store.h"
#include "cmd/openings.h"
#include "cmd/policy_find.h"
#include "cmd/precompiled.h"
#include "judge/contain.h"

void fit_done(struct fit *fit)
{
	plan_free(fit->plan);
	rung_done(&fit->rung);
	*fit = FIT_NONE;
}

static enum path_kind kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return PATH_DIR;
	if (S_ISLNK(mode))
		return PATH_LINK;
	return S_ISREG(mode) ? PATH_FILE : PATH_DEVICE;
}

static struct path_info look(void *at, const char *path)
{
	struct path_info info = { .kind = PATH_ABSENT };
	struct stat st;
	ssize_t len;

	(void)at;
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* What cannot be looked at is not absent: opening it will say why. */
		if (errno != ENOENT && errno != ENOTDIR)
			info.kind = PATH_FILE;
		return info;
	}
	info.kind = kind_of(st.st_mode);
	info.uid = st.st_uid;
	if (info.kind != PATH_LINK)
		return info;
	len = readlinkat(AT_FDCWD, path, info.link, sizeof(info.link));
	if (len < 0 || (size_t)len >= sizeof(info.link))
		return (struct path_info){ .kind = PATH_ABSENT };
	info.link[len] = '\0';
	return info;
}

static int resolve_grant(struct grant *grant, bool in_place, struct arena *arena, struct err *e)
{
	const char *what = grant->what;

	if (!what || *what != '/')
		return 0;
	if (openings_resolve(grant->what, false, arena, &what, e) < 0) {
		err_add(e, "%.120s", grant->what);
		return !grant->origin.line ? err_add(e, "%.80s", grant->origin.source) :
			err_add(e, "%.80s:%" PRIu32, grant->origin.source, grant->origin.line);
	}
	if (in_place && strcmp(grant->as, grant->what) == 0)
		grant->as = what;
	grant->what = what;
	return 0;
}

/* The rung's policy is a copy in which no path has a link on its way.
 *
 * in_place  without mounts a place inside is one of the host, and so has its real name, too */
static int resolve_paths(struct rung *rung, bool in_place, struct err *e)
{
	struct policy *const policy = arena_alloc(&rung->arena, sizeof(*policy));
	struct policy_value *const image = &policy->values[KEY_IMAGE];
	const struct grant *const grants = rung->policy->grants;

	*policy = *rung->policy;
	rung->policy = policy;
	if (image->text && (image_store_tree(image->text, &rung->arena, &image->text, e) < 0 ||
			    openings_resolve(image->text, true, &rung->arena, &image->text, e) < 0))
		return err_add(e, "image %.120s", policy_text(rung->policy, KEY_IMAGE));
	policy->grants = arena_alloc(&rung->arena, policy->n_grants * sizeof(*grants) + 1);
	for (size_t i = 0; i < policy->n_grants; i++) {
		policy->grants[i] = grants[i];
		if (resolve_grant(&policy->grants[i], in_place, &rung->arena, e) < 0)
			return -1;
	}
	return 0;
}

static bool is_namespace(enum layer layer)
{
	static const enum layer layers[] = {
		LAYER_USERNS, LAYER_MOUNTNS, LAYER_PIDNS, LAYER_NETNS, LAYER_IPCNS, LAYER_UTSNS,
		LAYER_ROOTFS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		if (layers[i] == layer)
			return true;
	return false;
}

static const char *why_missing(const struct host *host, enum layer layer)
{
	const bool is_cgroup = strncmp(layer_name(layer), "cgroup-", 7) == 0;

	if (is_cgroup && *host->cgroup_why)
		return host->cgroup_why;
	if (is_namespace(layer) && *host->userns_why)
		return host->userns_why;
	return "`ward doctor` tells what this host lacks";
}

static int check_required(const struct policy *policy, const struct host *host,
			  const struct plan *plan, struct err *e)
{
	const uint64_t missing = policy->require & ~plan_layers(plan);
	enum layer layer;

	if (!missing)
		return 0;
	layer = (enum layer)__builtin_ctzll(missing);
	return err_set(e, ERR_UNSUPPORTED, "required layer %s (%s) cannot be installed: %s",
		       layer_name(layer), layer_holds(layer), why_missing(host, layer));
}

/* Where the file of argv[0] is. It may be missing: then the engine says so, as a shell would. */
static int find_program(struct fit *fit, struct err *e)
{
	struct arena *const arena = &fit->rung.arena;
	struct payload *const payload = arena_alloc(arena, sizeof(*payload));

	*payload = *fit->rung.payload;
	fit->rung.payload = payload;
	if (policy_find_path(payload->argv[0], arena, &payload->program_path, e) < 0 ||
	    openings_resolve(payload->program_path, true, arena, &payload->program_path, e) < 0 ||
	    (strcmp(fit->boundary->name, "wasm") == 0 && precompiled_look(payload->program_path, &payload->is_compiled, e) < 0))
		return err_add(e, "%.120s", payload->argv[0]);
	return 0;
}

/* A module that was compiled needs the container, and no engine. */
static int probe(const struct fit *fit, struct host *host, struct err *e)
{
	const bool is_own_engine = fit->rung.payload->is_compiled;

	if (fit->boundary->reads_program && !is_own_engine && !*host->engine)
		host_find_engine(host);
	if (fit->boundary->has_kernel && !*host->runsc)
		host_find_runsc(host);
	return (is_own_engine ? boundary_find("container") : fit->boundary)->probe(host, e);
}

static int try(const char *name, const struct policy *policy, const struct payload *payload,
	       struct host *host, struct fit *fit, struct err *e)
{
	static const struct surroundings around = { .look = look };

	fit->boundary = boundary_find(name);
	if (!fit->boundary)
		return err_set(e, ERR_UNSUPPORTED,
			       "this build has no boundary '%s'; `ward version` lists "
			       "those it has",
			       name);
	if (payload->is_plugin && strcmp(name, "wasm") != 0 && strcmp(name, "container") != 0)
		return err_set(e, ERR_USAGE, "boundary %s has no plug-ins; write -b wasm, or -b container for a compiled one", name);
	/* There RLIMIT_NPROC is the limit, and it counts all tasks of the user. */
	if (!fit->boundary->has_mounts && !host->root && !host->tasks)
		host_count_tasks(host);
	fit->plan = plan_new();
	fit->rung = (struct rung){
		.policy = policy,
		.payload = payload,
		.host = host,
		.around = &around,
		.plan = fit->plan,
		.first_fd = (uint16_t)(3 + payload->n_pass),
	};
	if ((fit->boundary->reads_program && payload->guest != GUEST_ZYGOTE && !payload->is_plugin && find_program(fit, e) < 0) ||
	    probe(fit, host, e) < 0 || resolve_paths(&fit->rung, !fit->boundary->has_mounts, e) < 0 ||
	    fit->boundary->plan(&fit->rung, e) < 0 || plan_finish(fit->plan, e) < 0)
		return err_add(e, "boundary %s", name);
	return check_required(policy, host, fit->plan, e);
}

/* "auto" is the cheapest boundary for programs that contains the policy's threat, a container at least: what a policy
 * grants means the same in all of them. What this host happens to have changes nothing about it. */
static const char *choose(const struct policy *policy, char *why, size_t cap, struct err *e)
{
	static const int candidates[] = { BOUNDARY_CONTAINER, BOUNDARY_GVISOR, BOUNDARY_MICROVM };
	const struct demand *unmet = NULL;
	struct threat threat;
	char word[32];

	if (!policy->values[KEY_THREAT].set) {
		err_set(e, ERR_USAGE, "boundary auto is chosen by the threat, and the policy states none; write `threat: known` "
			"(own, known or hostile) into it, or add --threat");
		return NULL;
	}
	policy_format(policy, KEY_THREAT, word, sizeof(word));
	contain_model((int)policy_n(policy, KEY_THREAT), WORD_FORM_NATIVE, false, &threat);
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		const struct demand *const now = contain_unmet(&threat, candidates[i]);
		const char *const name = strength_of(candidates[i])->name;

		if (!now && !unmet)
			snprintf(why, cap, "%s contains threat %s, and is the cheapest that does", name, word);
		else if (!now)
			snprintf(why, cap, "%s contains threat %s, which nothing cheaper does: %s", name, word, unmet->why);
		if (!now)
			return name;
		unmet = now;
	}
	err_set(e, ERR_UNSUPPORTED, "no boundary for programs contains threat %s: %s", word, unmet->why);
	return NULL;
}

static const char *first_name(const struct policy *policy, char *name, size_t cap, char *why, size_t why_cap, struct err *e)
{
	if (policy_n(policy, KEY_BOUNDARY) == BOUNDARY_AUTO)
		return choose(policy, why, why_cap, e);
	policy_format(policy, KEY_BOUNDARY, name, cap);
	return name;
}

static bool may_fall(const struct policy *policy, const char *from, const struct err *why)
{
	const struct boundary *const boundary = boundary_find(from);

	/* A refusal for a wrong policy or a missing file would be the same one rung down; and what an
	 * engine reads, the kernel does not execute. */
	return (policy->fallback & FALLBACK_PROCESS) && boundary && boundary->has_mounts && !boundary->reads_program &&
	       (why->kind == ERR_UNSUPPORTED || why->kind == ERR_SYSTEM);
}

int fit_make(const struct policy *policy, const struct payload *payload, struct host *host,
	     struct fit *out, struct err *e)
{
	char name[32], chosen[sizeof(out->why)] = "";
	const char *const first = first_name(policy, name, sizeof(name), chosen, sizeof(chosen), e);
	OWN(fit) fit = FIT_NONE;
	struct err why = ERR_INIT;

	if (!first)
		return -1;
	if (try(first, policy, payload, host, &fit, &why) < 0) {
		if (!may_fall(policy, first, &why)) {
			*e = why;
			return -1;
		}
		fit_done(&fit);
		if (try("process", policy, payload, host, &fit, e) < 0)
			return -1;
		fit.fell = why;
	}
	memcpy(fit.why, chosen, sizeof(chosen));
	*out = TAKE(fit, FIT_NONE);
	return 0;
}
