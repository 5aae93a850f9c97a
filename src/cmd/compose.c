/* Applies flags to a policy. Refuses whatever the policy does not allow, unless --widen says so. */
#include "cmd/compose.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/policy_find.h"
#include "model/policy_value.h"

struct composing {
	struct policy *policy;
	const char *policy_name;
	bool widen;             /* --widen */
	bool is_named;          /* with -p */
	bool may_add;           /* flags may grant what the policy does not */
	const struct opt_hit *hit;
	struct origin origin;   /* "--mem" */
};

static int refuse_adding(const struct composing *c, struct err *e)
{
	return err_set(e, ERR_DENIED, "adds to what policy %.60s allows; add --widen to permit it",
		       c->policy_name);
}

/* A boundary holds at least what the ones before it in the list hold. */
static bool may_change_boundary(const struct composing *c, uint64_t n)
{
	const struct policy_value *const old = &c->policy->values[KEY_BOUNDARY];

	if (c->widen || policy_find_is_builtin(c->policy_name) ||
	    strcmp(old->origin.source, POLICY_UNSTATED) == 0)
		return true;
	/* The engine of wasm and js stands in a container. */
	if ((n == BOUNDARY_WASM || n == BOUNDARY_JS) && old->n <= BOUNDARY_CONTAINER)
		return true;
	return (n >= old->n && n <= BOUNDARY_MICROVM) || n == old->n ||
	       (n == BOUNDARY_PROCESS && (c->policy->fallback & FALLBACK_PROCESS));
}

static int set_key(struct composing *c, enum policy_key key, const char *value, struct err *e)
{
	const struct key_row *const row = policy_key_row(key);
	bool widen = c->widen;
	uint64_t n;

	if (key == KEY_BOUNDARY) {
		if (policy_value_parse(row->type, row->arg, value, &n, e) < 0)
			return -1;
		widen = may_change_boundary(c, n);
	}
	/* Where nobody named a policy, the command line is where it is made. */
	if (key == KEY_THREAT && !c->is_named)
		widen = true;
	/* A word without '/' is the name of an image. */
	if (key == KEY_IMAGE && strchr(value, '/') && policy_find_path(value, &c->policy->arena, &value, e) < 0)
		return -1;
	return policy_set(c->policy, key, value, c->origin, widen, e);
}

static int apply_set(struct composing *c, const char *value, struct err *e)
{
	const char *const equals = strchr(value, '=');
	enum policy_key key;
	const char *path;

	if (!equals)
		return err_set(e, ERR_USAGE, "'%.60s' has no value; write KEY=VALUE, such as "
			       "limits.fsize=1M", value);
	path = arena_copy(&c->policy->arena, value, (size_t)(equals - value));
	key = policy_key_find(path);
	if (key < KEYS)
		return set_key(c, key, equals + 1, e);
	if (policy_key_near(path))
		return err_set(e, ERR_USAGE, "unknown key '%.60s' (did you mean '%s'?)", path,
			       policy_key_near(path));
	return err_set(e, ERR_USAGE,
		       "unknown key '%.60s'; ward-policy(5) lists them, and lists are set in "
		       "a file",
		       path);
}

static int refuse_layer(const char *name, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	for (size_t i = 0; i < LAYERS; i++)
		str_near_offer(&near, layer_name((enum layer)i));
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown layer '%.40s' (did you mean '%s'?)", name,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown layer '%.40s'; `ward doctor` lists them", name);
}

static int apply_require(struct composing *c, const char *value, struct err *e)
{
	for (const char *p = value; *p; p += *p == ',') {
		const size_t len = strcspn(p, ",");
		const char *const name = arena_copy(&c->policy->arena, p, len);
		const enum layer layer = layer_find(name);

		if (layer == LAYERS)
			return refuse_layer(name, e);
		c->policy->require |= LAYER_BIT(layer);
		c->policy->require_from = c->origin;
		p += len;
	}
	return 0;
}

/* Free: it names the fallbacks, as the policy could; what must not fall is in `require`. */
static int apply_best_effort(struct composing *c, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	c->policy->fallback = FALLBACK_PROCESS | FALLBACK_RLIMITS;
	c->policy->fallback_from = c->origin;
	return 0;
}

static int apply_name(struct composing *c, const char *value, struct err *e)
{
	return set_key(c, KEY_NAME, value, e);
}

/* "PATH[:DEST]": a relative PATH is the caller's, so it starts at the current directory. */
static int apply_grant(struct composing *c, enum grant_kind kind, const char *value, struct err *e)
{
	if (!c->may_add)
		return refuse_adding(c, e);
	if (kind != GRANT_SCRATCH && *value && *value != '/') {
		const char *const dest = strstr(value, ":/");
		const size_t len = dest ? (size_t)(dest - value) : strlen(value);
		const char *path = arena_copy(&c->policy->arena, value, len);

		if (policy_find_path(path, &c->policy->arena, &path, e) < 0)
			return -1;
		value = arena_printf(&c->policy->arena, "%s%s", path, dest ? dest : "");
	}
	return policy_grant(c->policy, kind, value, c->origin, e);
}

static int apply_ro(struct composing *c, const char *value, struct err *e)
{
	return apply_grant(c, GRANT_READ, value, e);
}

static int apply_rw(struct composing *c, const char *value, struct err *e)
{
	return apply_grant(c, GRANT_WRITE, value, e);
}

static int apply_rx(struct composing *c, const char *value, struct err *e)
{
	return apply_grant(c, GRANT_EXEC, value, e);
}

static int apply_tmp(struct composing *c, const char *value, struct err *e)
{
	return apply_grant(c, GRANT_SCRATCH, value, e);
}

static void add_env(struct composing *c, const char *name, const char *value)
{
	struct policy *const policy = c->policy;

	policy->env = mem_grow(policy->env, &policy->cap_env, policy->n_env + 1,
			       sizeof(*policy->env));
	policy->env[policy->n_env++] = (struct env_rule){ name, value, c->origin };
}

/* What the dynamic loader and the C library obey: ward's own value would load code of ward's
 * surroundings into the box. Source: ld.so(8). */
static bool is_loader_name(const char *name)
{
	return strncmp(name, "LD_", 3) == 0 || strcmp(name, "GLIBC_TUNABLES") == 0 ||
	       strcmp(name, "GCONV_PATH") == 0;
}

/* A variable named on the command line is handed over knowingly, so this adds no authority. The
 * value stays in argv, which outlives the policy. */
static int apply_env(struct composing *c, const char *value, struct err *e)
{
	const size_t len = strcspn(value, "=");
	const char *const name = arena_copy(&c->policy->arena, value, len);

	if (!len)
		return err_set(e, ERR_USAGE,
			       "'%.60s' has no name; write NAME=VALUE, or NAME to keep "
			       "ward's own",
			       value);
	if (!value[len] && is_loader_name(name))
		return err_set(e, ERR_DENIED,
			       "%.40s is not kept: the loader obeys it; write %.40s=VALUE", name,
			       name);
	add_env(c, name, value[len] ? value + len + 1 : NULL);
	return 0;
}

static int apply_env_keep(struct composing *c, const char *value, struct err *e)
{
	(void)value;
	if (!c->may_add)
		return refuse_adding(c, e);
	for (char **at = environ; *at; at++) {
		const size_t len = strcspn(*at, "=");
		const char *const name = arena_copy(&c->policy->arena, *at, len);

		if (len && (*at)[len] && !is_loader_name(name))
			add_env(c, name, NULL);
	}
	return 0;
}

static bool is_passed(const struct policy *policy, int fd)
{
	for (size_t i = 0; i < policy->n_pass; i++)
		if (policy->pass_fds[i] == fd)
			return true;
	return false;
}

/* What the caller left open survived an exec, so it is not close-on-exec; what we opened is. */
static int apply_pass_fd(struct composing *c, const char *value, struct err *e)
{
	struct policy *const policy = c->policy;
	uint64_t n;
	int flags;

	if (policy_value_parse(KEY_COUNT, "3..1048575", value, &n, e) < 0)
		return -1;
	flags = fcntl((int)n, F_GETFD);
	if (flags < 0 || (flags & FD_CLOEXEC))
		return err_set(e, ERR_USAGE,
			       "descriptor %d is not open; open it in the shell, as in "
			       "`%d<file`",
			       (int)n, (int)n);
	if (is_passed(policy, (int)n))
		return 0;
	if (!c->may_add)
		return refuse_adding(c, e);
	policy->pass_fds = mem_grow(policy->pass_fds, &policy->cap_pass, policy->n_pass + 1,
				    sizeof(int));
	policy->pass_fds[policy->n_pass++] = (int)n;
	return 0;
}

static int (*const appliers[COMPOSE_IDS])(struct composing *c, const char *value, struct err *e) = {
	[COMPOSE_SET] = apply_set,
	[COMPOSE_REQUIRE] = apply_require,
	[COMPOSE_BEST_EFFORT] = apply_best_effort,
	[COMPOSE_NAME] = apply_name,
	[COMPOSE_RO] = apply_ro,
	[COMPOSE_RW] = apply_rw,
	[COMPOSE_RX] = apply_rx,
	[COMPOSE_TMP] = apply_tmp,
	[COMPOSE_ENV] = apply_env,
	[COMPOSE_ENV_KEEP] = apply_env_keep,
	[COMPOSE_PASS_FD] = apply_pass_fd,
};

static int apply(struct composing *c, const struct opt_hit *hit, struct err *e)
{
	const int id = hit->opt->id;
	int rc = 0;

	c->origin.source = arena_printf(&c->policy->arena, "--%s", hit->opt->name);
	if (id < KEYS)
		rc = set_key(c, (enum policy_key)id, hit->value ? hit->value : "true", e);
	else if (id < COMPOSE_IDS && appliers[id])
		rc = appliers[id](c, hit->value, e);
	return rc < 0 ? err_add(e, "--%s", hit->opt->name) : 0;
}

int compose_flags(const struct args *args, const char *name, struct policy *policy, struct err *e)
{
	struct composing c = {
		.policy = policy,
		.policy_name = name ? name : POLICY_FIND_DEFAULT,
		.widen = args_has(args, COMPOSE_WIDEN),
		.is_named = name != NULL,
	};

	c.may_add = c.widen || !name || policy_n(policy, KEY_THREAT) == THREAT_OWN;
	for (size_t i = 0; i < args->n_hits; i++)
		if (apply(&c, &args->hits[i], e) < 0)
			return -1;
	return policy_check(policy, e);
}

int compose_policy(const struct args *args, struct policy *out, const char **source, struct err *e)
{
	const struct opt_hit *const named = args_find(args, COMPOSE_POLICY);
	const char *const name = named ? named->value : NULL;
	OWN(policy) policy = POLICY_NONE;

	if (policy_find(name ? name : POLICY_FIND_DEFAULT, &policy, source, e) < 0 ||
	    compose_flags(args, name, &policy, e) < 0)
		return -1;
	*out = TAKE(policy, POLICY_NONE);
	return 0;
}
