/* `ward plugin`: its options, and what its verbs have in common. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "plugin/load.h"
#include "plugin/plugin.h"

enum plugin_option { PLUGIN_STORE, PLUGIN_COMPILED, PLUGIN_ENGINE, PLUGIN_ADOPT, PLUGIN_JSON, PLUGIN_QUIET };

/* One option wherever it stands: before the verb, or behind it. */
struct plugin_given {
	const char *store, *compiled;
	enum ward_plugin_engine engine;
	bool adopt, json, quiet;
	char *const *operands;  /* behind the verb; ends with NULL */
	size_t n;
};

/* The user's own place for what is not configuration, made when it is not there.
 * Source: XDG Base Directory Specification 0.8 */
MUST_USE int plugin_state_dir(struct arena *arena, const char **out, struct err *e);

/* Where compiled plug-ins are: --compiled, else below the place above; NULL when there is none. */
const char *plugin_compiled_dir(const struct plugin_given *given, struct arena *arena);

/* Which engine a `run` would take, and the path of what was compiled or NULL. Fails as that would. */
MUST_USE int plugin_find_engine(const struct plugin_given *given, const struct load *load, struct arena *arena,
				const char **compiled, struct err *e);

/* Verbs; they return the exit code or -1. */
MUST_USE int plugin_install(const struct plugin_given *given, struct err *e);
MUST_USE int plugin_remove(const struct plugin_given *given, struct err *e);
MUST_USE int plugin_policy(const struct plugin_given *given, struct err *e);
