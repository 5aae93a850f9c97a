/* From what -p says to a policy: built-in name, file, or standard input. */
#pragma once

#include "base/err.h"
#include "model/policy.h"

#define POLICY_FIND_DEFAULT "default"

/* Finds, reads and checks a policy.
 *
 * name    "-" is standard input; a word with '/' or ending in .yaml, .yml or .json is a file;
 *         anything else is looked for among the built-in ones, then in $XDG_CONFIG_HOME/ward (or
 *         ~/.config/ward) and /etc/ward. Never in the current directory: it may be the attacker's
 * out     filled on success; paths outside are absolute
 * source  what was read, for results ("default (built in)", "./x.yaml"); in the policy's arena
 * Errors: ERR_MISSING with the nearest name, ERR_USAGE from the text, ERR_LIMIT over 1 MiB,
 * ERR_SYSTEM */
MUST_USE int policy_find(const char *name, struct policy *out, const char **source, struct err *e);

/* The bytes of a file, "-": of standard input.
 *
 * max   more is ERR_LIMIT
 * text  allocated and terminated, the caller's
 * Errors: ERR_MISSING, ERR_USAGE for what is no regular file, ERR_LIMIT, ERR_SYSTEM */
MUST_USE int policy_find_bytes(const char *path, size_t max, char **text, size_t *len, struct err *e);

/* The policy that was read from there: as policy_find(), for text that is here already. */
MUST_USE int policy_find_text(const char *path, const char *text, size_t len, struct policy *out,
			      struct err *e);

/* True when the name is that of a built-in policy. */
bool policy_find_is_builtin(const char *name);

/* Makes a path of the command line absolute: against the current directory, with leading "./" and
 * "../" resolved (the current directory is free of links, so that this is exact).
 *
 * Errors: ERR_SYSTEM when the current directory is gone */
MUST_USE int policy_find_path(const char *path, struct arena *arena, const char **out,
			      struct err *e);
