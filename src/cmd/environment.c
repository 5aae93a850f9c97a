/* Builds the program's environment. Refuses inheritance: a variable has a rule that names it. */
#include "cmd/environment.h"

#include <string.h>

struct list {
	const char **at;        /* room for every rule, the defaults and the end */
	size_t n;
	struct arena *arena;
};

const char *environment_get(const char *const *envp, const char *name)
{
	const size_t len = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

static void set(struct list *list, const char *name, const char *value)
{
	const size_t len = strlen(name);
	size_t i = 0;

	while (i < list->n && (strncmp(list->at[i], name, len) != 0 || list->at[i][len] != '='))
		i++;
	list->at[i] = arena_printf(list->arena, "%s=%s", name, value);
	list->n += i == list->n;
}

static bool may_write(enum grant_kind kind)
{
	return kind == GRANT_WRITE || kind == GRANT_SCRATCH;
}

/* The same in every boundary: a place inside where the program may leave files, or the root. */
static const char *home(const struct policy *policy)
{
	if (policy_text(policy, KEY_CWD))
		return policy_text(policy, KEY_CWD);
	for (size_t i = 0; i < policy->n_grants; i++)
		if (may_write(policy->grants[i].kind))
			return policy->grants[i].as;
	return "/";
}

const char *const *environment_make(const struct policy *policy, char *const *own, bool pty,
				    struct arena *arena)
{
	const char *const *const mine = (const char *const *)own;
	const char *const term = environment_get(mine, "TERM");
	struct list list = { .arena = arena };

	list.at = arena_alloc(arena, (policy->n_env + 4) * sizeof(*list.at));
	set(&list, "PATH", "/usr/local/bin:/usr/bin:/bin");
	set(&list, "HOME", home(policy));
	if (pty)
		set(&list, "TERM", term ? term : "dumb");
	for (size_t i = 0; i < policy->n_env; i++) {
		const struct env_rule *const rule = &policy->env[i];
		const char *value = rule->value;

		if (!value)
			value = environment_get(mine, rule->name);
		if (value)
			set(&list, rule->name, value);
	}
	return list.at;
}
