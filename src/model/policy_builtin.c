/* The built-in policies: the files of policies/, embedded at build time by tools/embed.py. No file
 * is read. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/policy.h"

static const struct builtin {
	const char *name, *source;
	const char *text; /* the file */
	const char *bare; /* without comments: half the reading time */
	size_t text_len, bare_len;
} builtins[] = {
#define EMBED(name, text, bare)                                                                    \
	{ name, name " (built in)", text, bare, sizeof(text) - 1, sizeof(bare) - 1 },
#include "policies.inc"
#undef EMBED
};

static const struct builtin *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}

const char *policy_builtin_at(size_t i)
{
	return i < ARRAY_SIZE(builtins) ? builtins[i].name : NULL;
}

const char *policy_builtin(const char *name, size_t *len)
{
	const struct builtin *const builtin = find(name);

	if (!builtin)
		return NULL;
	*len = builtin->text_len;
	return builtin->text;
}

static int fail_missing(const char *name, struct err *e)
{
	struct str_near near = STR_NEAR(name);
	char names[80] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
		str_near_offer(&near, builtins[i].name);
		if (len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						i ? ", " : "", builtins[i].name);
	}
	if (str_near_best(&near))
		return err_set(e, ERR_MISSING, "no policy '%.40s' (did you mean '%s'?)", name,
			       str_near_best(&near));
	return err_set(e, ERR_MISSING, "no policy '%.40s'; built in are %s", name, names);
}

int policy_read_builtin(const char *name, struct policy *out, struct err *e)
{
	const struct builtin *const builtin = find(name);

	if (!builtin)
		return fail_missing(name, e);
	return policy_read(builtin->source, builtin->bare, builtin->bare_len, out, e);
}
