/* From the command line to one policy: -p, then every flag that changes it, in the order given. */
#pragma once

#include "base/err.h"
#include "cmd/command.h"
#include "model/policy.h"

/* Ids of option rows. Below KEYS an id is the enum policy_key itself, from policy_keys.def. */
enum compose_id {
	COMPOSE_POLICY = KEYS, COMPOSE_SET, COMPOSE_WIDEN, COMPOSE_REQUIRE, COMPOSE_BEST_EFFORT,
	COMPOSE_NAME, COMPOSE_RO, COMPOSE_RW, COMPOSE_RX, COMPOSE_TMP, COMPOSE_ENV,
	COMPOSE_ENV_KEEP, COMPOSE_PASS_FD,
	COMPOSE_IDS
};

/* Reads the policy and applies the flags.
 *
 * A scalar flag only narrows; --widen lifts that. A flag that adds (a file, a descriptor, the whole
 * environment) needs --widen as well, unless no policy was named, or its threat is `own`: then the
 * command line is where the policy is made. -b is free for built-in policies and for files that
 * state no boundary; else a weaker one must stand in `fallback`.
 * source  as of policy_find()
 * Errors: those of policy_find(); ERR_DENIED for what would widen, naming the flag and --widen */
MUST_USE int compose_policy(const struct args *args, struct policy *out, const char **source,
			    struct err *e);

/* The second half of it, for a policy that was read already.
 *
 * name  as -p would name it, NULL: nobody named one */
MUST_USE int compose_flags(const struct args *args, const char *name, struct policy *policy,
			   struct err *e);

/* Option rows shared by the commands that take a policy. */
#define COMPOSE_ROW_POLICY \
	{ .name = "policy", .letter = 'p', .kind = OPT_VALUE, .arg = "NAME|FILE|-", \
	  .group = "Policy", .words = OPT_PATHS, .id = COMPOSE_POLICY, \
	  .help = "the policy: a built-in name, a file (with a '/', or ending in .yaml or " \
		  ".json), a name in ~/.config/ward or /etc/ward, or standard input; " \
		  "default: `default`" }
#define COMPOSE_ROW_BOUNDARY \
	{ .name = "boundary", .letter = 'b', .kind = OPT_VALUE, .arg = "NAME", .group = "Policy", \
	  .words = "process|container|gvisor|wasm|js|auto", .id = KEY_BOUNDARY, \
	  .help = "another boundary than the policy's" }
#define COMPOSE_ROW_THREAT \
	{ .name = "threat", .kind = OPT_VALUE, .arg = "WORD", .group = "Policy", \
	  .words = "own|known|hostile", .id = KEY_THREAT, \
	  .help = "who wrote the program: what --boundary=auto is chosen by" }
#define COMPOSE_ROW_SET \
	{ .name = "set", .kind = OPT_VALUE, .arg = "KEY=VALUE", .group = "Policy", \
	  .id = COMPOSE_SET, \
	  .help = "set a key of the policy, such as limits.fsize=1M; see ward-policy(5)" }
#define COMPOSE_ROW_WIDEN \
	{ .name = "widen", .group = "Policy", .id = COMPOSE_WIDEN, \
	  .help = "let the flags allow more than the policy named with -p does" }
#define COMPOSE_ROW_REQUIRE \
	{ .name = "require", .kind = OPT_VALUE, .arg = "LAYER[,LAYER]", .group = "Policy", \
	  .id = COMPOSE_REQUIRE, \
	  .help = "refuse to run (125) when one of these layers cannot be installed; " \
		  "`ward doctor` lists them" }
#define COMPOSE_ROW_BEST_EFFORT \
	{ .name = "best-effort", .group = "Policy", .id = COMPOSE_BEST_EFFORT, \
	  .help = "accept every weaker fallback there is: boundary process, limits per process" }
#define COMPOSE_ROWS_FILES \
	{ .name = "ro", .kind = OPT_VALUE, .arg = "PATH[:DEST]", .group = "Files", \
	  .words = OPT_PATHS, .id = COMPOSE_RO, .help = "grant reading" }, \
	{ .name = "rx", .kind = OPT_VALUE, .arg = "PATH[:DEST]", .group = "Files", \
	  .words = OPT_PATHS, .id = COMPOSE_RX, .help = "grant reading and executing" }, \
	{ .name = "rw", .kind = OPT_VALUE, .arg = "PATH[:DEST]", .group = "Files", \
	  .words = OPT_PATHS, .id = COMPOSE_RW, .help = "grant reading and writing" }, \
	{ .name = "tmp", .kind = OPT_VALUE, .arg = "DEST[:SIZE]", .group = "Files", \
	  .id = COMPOSE_TMP, .help = "an empty directory in memory, gone at the end" }
#define COMPOSE_ROW_PASS_FD \
	{ .name = "pass-fd", .kind = OPT_VALUE, .arg = "N", .group = "Program", \
	  .id = COMPOSE_PASS_FD, \
	  .help = "leave this descriptor open in the program, under the same number" }
