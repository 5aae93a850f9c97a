/* Adds grants after looking at their paths as text. Refuses whatever would hand out or cover the
 * trees the boundary makes itself. */
#include "model/policy_grant.h"

#include <string.h>

#include "model/policy_value.h"

bool policy_path_climbs(const char *path)
{
	for (const char *p = path; *p; p += strspn(p, "/")) {
		const size_t len = strcspn(p, "/");

		if (len == 2 && memcmp(p, "..", 2) == 0)
			return true;
		p += len;
	}
	return false;
}

bool policy_path_is_clean(const char *path)
{
	if (*path != '/')
		return false;
	if (!path[1])
		return true;
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		const size_t len = strcspn(++p, "/");

		if (!len || (len == 1 && *p == '.') || (len == 2 && memcmp(p, "..", 2) == 0))
			return false;
	}
	return true;
}

bool policy_path_is_in(const char *path, const char *dir)
{
	const size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || !path[len]);
}

uint64_t policy_scratch_bytes(const struct policy *policy, const struct grant *grant)
{
	const uint64_t bytes = grant->size ? grant->size : policy_n(policy, KEY_DISK);

	return bytes ? bytes : UINT64_C(64) << 20;
}

uint64_t policy_scratch_inodes(const struct policy *policy, const struct grant *grant)
{
	const uint64_t inodes = grant->inodes ? grant->inodes : policy_n(policy, KEY_INODES);

	return inodes ? inodes : 16384;
}

const struct grant *policy_grant_after(const struct policy *policy, const struct grant *last)
{
	const struct grant *next = NULL;

	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		if ((!last || strcmp(grant->as, last->as) > 0) && (!next || strcmp(grant->as, next->as) < 0))
			next = grant;
	}
	return next;
}

const char *policy_owned_tree(const char *path)
{
	static const char *const owned[] = { "/proc", "/sys", "/dev" };

	if (strcmp(path, "/") == 0)
		return "/";
	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		if (policy_path_is_in(path, owned[i]))
			return owned[i];
	return NULL;
}

static int check_outside(const char *what, struct err *e)
{
	const char *owned;

	if (!*what)
		return err_set(e, ERR_USAGE, "no path given; write the path outside");
	if (policy_path_climbs(what))
		return err_set(
			e, ERR_USAGE,
			"'%.80s' contains '..', which leads elsewhere when a directory is moved or "
			"linked; write the path without it",
			what);
	if (*what == '/' && !policy_path_is_clean(what))
		return err_set(
			e, ERR_USAGE,
			"'%.80s' is not a plain path; write it without '.', '//' and a '/' at the "
			"end",
			what);
	owned = policy_owned_tree(what);
	if (owned && !owned[1])
		return err_set(e, ERR_DENIED,
			       "/ contains /proc, /sys and /dev of the host; grant the directories "
			       "needed, or `read: host`");
	if (owned)
		return err_set(e, ERR_DENIED,
			       "%.80s belongs to the host's %s, which is never granted; remove it",
			       what, owned);
	return 0;
}

static int check_inside(const char *as, struct err *e)
{
	const char *owned;

	if (*as != '/')
		return err_set(e, ERR_USAGE,
			       "'%.80s' is not an absolute place inside; add `as: /PATH`", as);
	if (!policy_path_is_clean(as))
		return err_set(
			e, ERR_USAGE,
			"'%.80s' is not a plain path inside; write it without '.', '..', '//' "
			"and a '/' at the end",
			as);
	owned = policy_owned_tree(as);
	/* A place at / is for policy_check(), which knows the boundary. */
	if (owned && owned[1])
		return err_set(e, ERR_DENIED,
			       "%.80s is in %s, which the boundary makes itself; use another place",
			       as, owned);
	return 0;
}

/* The two names of `read` that are no paths: whole views, placed at / by the boundary. */
static bool is_view(const struct grant *grant)
{
	return grant->kind == GRANT_READ && grant->what &&
	       (strcmp(grant->what, "host") == 0 || strcmp(grant->what, "image") == 0);
}

static int check(const struct grant *grant, struct err *e)
{
	if (is_view(grant))
		return !grant->as || strcmp(grant->as, "/") == 0
			       ? 0
			       : err_set(e, ERR_USAGE,
					 "`read: %s` is the root and has no other place; remove "
					 "`as`",
					 grant->what);
	if (grant->what && check_outside(grant->what, e) < 0)
		return -1;
	return check_inside(grant->as ? grant->as : grant->what, e);
}

static const char *copy(struct policy *policy, const char *text)
{
	return text ? arena_copy(&policy->arena, text, strlen(text)) : NULL;
}

int policy_grant_add(struct policy *policy, const struct grant *grant, struct err *e)
{
	struct grant *added;

	if (check(grant, e) < 0)
		return -1;
	if (policy->n_grants >= GRANTS_MAX)
		return err_set(e, ERR_LIMIT,
			       "more than %d grants; grant the directories above them", GRANTS_MAX);
	policy->grants =
		mem_grow(policy->grants, &policy->cap_grants, policy->n_grants + 1, sizeof(*added));
	added = &policy->grants[policy->n_grants++];
	*added = *grant;
	added->what = copy(policy, grant->what);
	if (is_view(grant))
		added->as = "/";
	else
		added->as = grant->as ? copy(policy, grant->as) : added->what;
	return 0;
}

/* Cuts spec at the last ":/" (DEST is absolute), a scratch at its last ':'. */
static char *cut(char *spec, enum grant_kind kind)
{
	char *at = strrchr(spec, ':');

	while (kind != GRANT_SCRATCH && at && at[1] != '/')
		at = memrchr(spec, ':', (size_t)(at - spec));
	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static void remove_at(struct policy *policy, const char *as, size_t end)
{
	for (size_t i = 0; i < end; i++)
		if (strcmp(policy->grants[i].as, as) == 0) {
			memmove(&policy->grants[i], &policy->grants[i + 1],
				(policy->n_grants - i - 1) * sizeof(policy->grants[0]));
			policy->n_grants--;
			return;
		}
}

int policy_grant(struct policy *policy, enum grant_kind kind, const char *spec,
		 struct origin origin, struct err *e)
{
	char *const first = arena_copy(&policy->arena, spec, strlen(spec));
	const char *const second = cut(first, kind);
	struct grant grant = { .kind = kind, .what = first, .as = second, .origin = origin };
	const size_t before = policy->n_grants;

	if (kind == GRANT_SCRATCH) {
		grant.what = NULL;
		grant.as = first;
		if (second &&
		    policy_value_parse(KEY_SIZE, VALUE_SIZE_BOUNDS, second, &grant.size, e) < 0)
			return err_add(e, "%.80s", spec);
	}
	if (policy_grant_add(policy, &grant, e) < 0)
		return err_add(e, "%.80s", spec);
	remove_at(policy, policy->grants[before].as, before);
	return 0;
}
