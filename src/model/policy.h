/* What may be done: independent of how it is enforced. A policy is a table of scalar values, one
 * for each key, and a few lists. Pure: reading files is the caller's business. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/filter.h"
#include "model/layer.h"
#include "model/policy_key.h"

/* Where a value came from: "default (built in)", "./x.yaml", "--mem"; line and column 0 when
 * there is none. */
struct origin {
	const char *source;
	uint32_t line, column;
};

struct policy_value {
	bool set;               /* unset: no limit stated, the feature's zero otherwise */
	uint64_t n;             /* numbers, choices, booleans */
	const char *text;       /* TEXT and PATH */
	struct origin origin;
};

enum grant_kind { GRANT_READ, GRANT_EXEC, GRANT_WRITE, GRANT_SCRATCH, GRANT_KINDS };
struct grant {
	enum grant_kind kind;
	const char *what;       /* path outside as written, "host" or "image"; NULL for scratch */
	const char *as;         /* absolute, normal path inside: no "..", "//", '/' at the end */
	uint64_t size, inodes;  /* scratch; 0 = limits.disk, limits.inodes */
	bool may_exec;          /* write and scratch: programs may be executed from it */
	struct origin origin;
};

struct env_rule {               /* text "NAME" keeps it, value != NULL sets it */
	const char *name, *value;
	struct origin origin;
};

/* One line of the syscalls section as it was written, for --explain and results: the rows of
 * `syscalls` are what it means. */
struct call_rule {
	const char *text;       /* "allow @default", "ioctl: allow when arg1 is TCGETS" */
	struct origin origin;
};

enum fallback { FALLBACK_PROCESS = 1 << 0, FALLBACK_RLIMITS = 1 << 1 };

/* The name of the i-th bit of enum fallback, NULL past the end. */
const char *policy_fallback_name(size_t i);

struct policy {
	struct policy_value values[KEYS];
	struct grant *grants;
	size_t n_grants, cap_grants;
	struct env_rule *env;
	size_t n_env, cap_env;
	uint16_t *connect_ports, *bind_ports;   /* with network host: the only TCP ports */
	size_t n_connect, cap_connect, n_bind, cap_bind;
	bool ports_listed;      /* the lists are the only ports, also when empty; false: all */
	struct call_rule *calls;
	size_t n_calls, cap_calls;
	int *pass_fds;
	size_t n_pass, cap_pass;
	uint64_t require;       /* layers that must hold, LAYER_BIT */
	uint32_t fallback;      /* enum fallback: the weaker ways that are named, and so allowed */
	struct origin require_from, fallback_from, ports_from;
	struct filter_set syscalls;
	struct arena arena;     /* owns every string above */
};
/* An all-zero policy is the empty one; policy_done() accepts it. */
#define POLICY_NONE ((struct policy){ .syscalls = { .otherwise = FILTER_KILL } })

void policy_done(struct policy *policy);

/* 0 and NULL when unset. */
static inline uint64_t policy_n(const struct policy *policy, enum policy_key key)
{
	return policy->values[key].n;
}
static inline const char *policy_text(const struct policy *policy, enum policy_key key)
{
	return policy->values[key].text;
}

/* Sets one scalar from text, with bounds and unit suffixes ("64M", "500ms", "1.5", "on").
 *
 * origin  its source is borrowed for the life of the policy: a literal, or in policy->arena
 * widen   false: the new value must be within the old one (the row's narrow column)
 * Errors: ERR_USAGE (bad value: names what is expected), ERR_DENIED (would widen; names the old
 * value, its origin, and --widen) */
MUST_USE int policy_set(struct policy *policy, enum policy_key key, const char *text,
			struct origin origin, bool widen, struct err *e);

/* Writes a value the way a policy file would ("64M", "1.5", "none"); out is always terminated.
 * Unset: "none" for a number or a text, else what that means ("false", the first choice). */
void policy_format(const struct policy *policy, enum policy_key key, char *out, size_t cap);

#define POLICY_UNSTATED "ward's default"

/* Reads a policy from text: JSON when it begins with '{', YAML otherwise; one closed schema.
 *
 * name   for errors: "file.yaml:3:7: unknown key 'memmory' in limits (did you mean 'memory'?)"
 * text   len bytes, any bytes; at most 1 MiB (ERR_LIMIT), nesting at most 16
 * out    filled on success; owns copies. Keys whose zero would be the weaker or the unusable choice
 *        get ward's default when the text is silent (boundary container, aslr on, core_sched and
 *        spec auto), with the source POLICY_UNSTATED
 * A path outside that does not begin with '/' is kept as written and is relative to the directory
 * of the policy file; the caller resolves it, beneath a descriptor of that directory.
 * Errors: ERR_USAGE, ERR_LIMIT; one line, naming file, line, column, cause and fix */
MUST_USE int policy_read(const char *name, const char *text, size_t len, struct policy *out,
			 struct err *e);

/* The text of a built-in policy ("strict", "default", "contest", "build"); NULL: there is none. */
const char *policy_builtin(const char *name, size_t *len);
const char *policy_builtin_at(size_t i);

/* policy_read() of a built-in, without the cost of its comments; the source of its origins is
 * "default (built in)".
 * Errors: ERR_MISSING when there is none, with the nearest name */
MUST_USE int policy_read_builtin(const char *name, struct policy *out, struct err *e);

/* Checks what no single key can: image named when read, ports without a network, two grants at one
 * place, a required layer the boundary never has or the policy switches off. Called by policy_read,
 * and again after flags. */
MUST_USE int policy_check(const struct policy *policy, struct err *e);

/* Adds a grant from a flag: spec is "PATH[:DEST]", for scratch "DEST[:SIZE]". Flags for files add
 * to what a policy grants, so they need `widen` or a policy whose threat is "own"; see cmd/run.
 * A grant at the same place inside is replaced: the flag is the later word. */
MUST_USE int policy_grant(struct policy *policy, enum grant_kind kind, const char *spec,
			  struct origin origin, struct err *e);
