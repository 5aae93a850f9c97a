/* The environment of the program: what the policy names, and nothing else of ward's own. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"
#include "model/policy.h"

/* Builds envp in the arena; borrowed strings live as long as the policy and ward's environment.
 *
 * Defaults, each replaced by a rule of the policy: PATH; HOME, the working directory or the first
 * place that can be written; TERM when the program gets a terminal.
 * own  ward's environ
 * pty  the program has a terminal */
const char *const *environment_make(const struct policy *policy, char *const *own, bool pty,
				    struct arena *arena);

/* The value of a variable in envp, NULL when it is not there. */
const char *environment_get(const char *const *envp, const char *name);
