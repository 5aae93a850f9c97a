/* The scalar keys of a policy: setting, narrowing, writing. Refuses to make a policy wider unless
 * told to. */
#include "model/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/policy_calls.h"
#include "model/policy_grant.h"
#include "model/policy_value.h"

static const struct key_row rows[KEYS] = {
#define KEY(id, path, flag, type, narrow, arg, help)                                               \
	[KEY_##id] = { path, flag, KEY_##type, NARROW_##narrow, arg, help },
#include "model/policy_keys.def"
#undef KEY
};

void policy_done(struct policy *policy)
{
	free(policy->grants);
	free(policy->env);
	free(policy->connect_ports);
	free(policy->bind_ports);
	free(policy->calls);
	free(policy->pass_fds);
	filter_set_done(&policy->syscalls);
	arena_done(&policy->arena);
	*policy = POLICY_NONE;
}

const struct key_row *policy_key_row(enum policy_key key)
{
	return (unsigned)key < KEYS ? &rows[key] : NULL;
}

enum policy_key policy_key_find(const char *path)
{
	enum policy_key key = 0;

	while (key < KEYS && strcmp(rows[key].path, path) != 0)
		key++;
	return key;
}

const char *policy_key_near(const char *path)
{
	struct str_near near = STR_NEAR(path);

	for (size_t key = 0; key < KEYS; key++)
		str_near_offer(&near, rows[key].path);
	return str_near_best(&near);
}

const char *policy_fallback_name(size_t i)
{
	static const char *const names[] = { "process", "rlimits" };

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

void policy_format(const struct policy *policy, enum policy_key key, char *out, size_t cap)
{
	const struct policy_value *const value = &policy->values[key];
	const enum key_type type = rows[key].type;
	const bool is_text = type == KEY_TEXT || type == KEY_PATH;

	if (is_text || (!value->set && type != KEY_BOOL && type != KEY_CHOICE))
		snprintf(out, cap, "%s", value->text ? value->text : "none");
	else
		policy_value_format(type, rows[key].arg, value->n, out, cap);
}

static bool is_made_of(const char *text, const char *extra, size_t max)
{
	const char *p = text;

	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
	       (*p && strchr(extra, *p)))
		p++;
	return p != text && !*p && (size_t)(p - text) <= max;
}

static int check_name(const char *text, struct err *e)
{
	return is_made_of(text, "._-", 64)
		       ? 0
		       : err_set(e, ERR_USAGE,
				 "'%.40s' is not a name; use 1 to 64 of A-Z a-z 0-9 . _ -", text);
}

/* The kernel takes 64 bytes (HOST_NAME_MAX, limits.h); letters only, as it ends in prompts and
 * logs. */
static int check_hostname(const char *text, struct err *e)
{
	return is_made_of(text, ".-", 64)
		       ? 0
		       : err_set(e, ERR_USAGE,
				 "'%.40s' is not a host name; use 1 to 64 of A-Z a-z 0-9 . -",
				 text);
}

static int check_cwd(const char *text, struct err *e)
{
	return policy_path_is_clean(text)
		       ? 0
		       : err_set(e, ERR_USAGE,
				 "'%.80s' must be absolute, without '..', '//' or a '/' at the end",
				 text);
}

static int check_image(const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "no directory named; write image: DIR");
	return policy_path_climbs(text)
		       ? err_set(e, ERR_USAGE, "'%.80s' contains '..'; write the path without it",
				 text)
		       : 0;
}

/* What the type of a text does not say. */
static int check_text(enum policy_key key, const char *text, struct err *e)
{
	static int (*const checks[KEYS])(const char *text, struct err *e) = {
		[KEY_NAME] = check_name,
		[KEY_HOSTNAME] = check_hostname,
		[KEY_CWD] = check_cwd,
		[KEY_IMAGE] = check_image,
	};

	return checks[key] ? checks[key](text, e) : 0;
}

/* Unset means: no limit for MIN, the strictest choice for RANK, off for ON and OFF. */
static bool is_within(const struct policy_value *old, enum key_narrow narrow, uint64_t n)
{
	switch (narrow) {
	case NARROW_MIN:
		return !old->set || n <= old->n;
	case NARROW_RANK:
		return n <= old->n;
	case NARROW_ON:
		return n >= old->n;
	case NARROW_OFF:
		return n <= old->n;
	case NARROW_FIXED:
		return !old->set || n == old->n;
	case NARROW_FREE:
		break;
	}
	return true;
}

static int refuse_wider(const struct policy *policy, enum policy_key key, const char *text,
			struct err *e)
{
	static const char *const causes[] = {
		[NARROW_MIN] = "is more than",  [NARROW_RANK] = "is weaker than",
		[NARROW_ON] = "is weaker than", [NARROW_OFF] = "is weaker than",
		[NARROW_FIXED] = "is not",      [NARROW_FREE] = "",
	};
	const struct origin *const from = &policy->values[key].origin;
	char old[64], line[16] = "";

	policy_format(policy, key, old, sizeof(old));
	if (from->line)
		snprintf(line, sizeof(line), ":%" PRIu32, from->line);
	return err_set(e, ERR_DENIED,
		       "%s: %.40s %s the policy's %s (from %.80s%s); add --widen to allow it",
		       rows[key].path, text, causes[rows[key].narrow], old,
		       from->source ? from->source : POLICY_UNSTATED, line);
}

int policy_set(struct policy *policy, enum policy_key key, const char *text, struct origin origin,
	       bool widen, struct err *e)
{
	const struct key_row *const row = &rows[key];
	struct policy_value value = { .set = true, .origin = origin };

	if (policy_value_parse(row->type, row->arg, text, &value.n, e) < 0 ||
	    check_text(key, text, e) < 0)
		return err_add(e, "%s", row->path);
	if (!widen && !is_within(&policy->values[key], row->narrow, value.n))
		return refuse_wider(policy, key, text, e);
	if (row->type == KEY_TEXT || row->type == KEY_PATH)
		value.text = arena_copy(&policy->arena, text, strlen(text));
	policy->values[key] = value;
	if (key == KEY_SYS_DEFAULT || key == KEY_REPORT)
		policy_calls_sync(policy);
	return 0;
}
