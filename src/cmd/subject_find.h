/* From a word of the command line to what the analysis commands judge: a policy, a profile, a unit, a
 * program of BPF, a process. What a file is, its bytes tell, not its name. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "cmd/command.h"
#include "cmd/compose.h"
#include "cmd/fit.h"
#include "model/host.h"
#include "model/subject.h"

/* Option rows of lint, why, diff and surface; a command's own ids begin at FOUND_IDS. */
enum found_id { FOUND_PID = COMPOSE_IDS, FOUND_AS, FOUND_CAPS, FOUND_IDS };
#define FOUND_KINDS "ward|oci|systemd|bpf"
#define FOUND_ROWS \
	{ .name = "policy", .letter = 'p', .kind = OPT_VALUE, .arg = "NAME|FILE|-", \
	  .group = "Subject", .words = OPT_PATHS, .id = COMPOSE_POLICY, \
	  .help = "what to judge, as an operand would name it: a policy by name, a file (with a " \
		  "'/' or a '.'), `pid:N` or standard input; default: `default`" }, \
	{ .name = "pid", .kind = OPT_VALUE, .arg = "N", .group = "Subject", .id = FOUND_PID, \
	  .help = "the filters of a running process; needs root" }, \
	{ .name = "as", .kind = OPT_VALUE, .arg = FOUND_KINDS, .words = FOUND_KINDS, \
	  .group = "Subject", .id = FOUND_AS, \
	  .help = "what the file is; without it, its bytes tell" }, \
	{ .name = "caps", .kind = OPT_VALUE, .arg = "CAP[,CAP]|docker|all", .group = "Subject", \
	  .id = FOUND_CAPS, \
	  .help = "the capabilities a profile is used with, where it does not say; default: none" }, \
	COMPOSE_ROW_BOUNDARY, COMPOSE_ROW_SET, COMPOSE_ROW_WIDEN

/* A subject, and of a policy the plan its filters were taken from. Filled in place: parts of it point
 * at each other, so it is never copied. */
struct found {
	struct subject subject;
	struct host host;               /* SUBJECT_POLICY: what was planned for */
	struct fit fit;                 /* SUBJECT_POLICY: fit.boundary, fit.plan; else empty */
	struct payload payload;
	struct arena arena;
	int pid;                        /* SUBJECT_PROCESS; else 0 */
};
#define FOUND_NONE ((struct found){ .pid = 0 })
void found_done(struct found *found);

/* Says on standard error what of the source could not be judged; false: all of it was. */
bool found_tell_missing(const struct found *found);

/* Finds, reads and compiles.
 *
 * word  an operand: a policy's name (as -p: built in or configured), a file (with a '/' or a '.'),
 *       "-", "pid:N"; NULL: what --pid or -p say, else the policy `default`
 * out   starts from FOUND_NONE; a policy is composed with the flags and planned as a run would be
 * Errors: those of policy_find(), fit_make() and subject_pid(); ERR_USAGE with file and line for what cannot be
 * read, ERR_LIMIT over 16 MiB */
MUST_USE int subject_find(const struct args *args, const char *word, struct found *out, struct err *e);
