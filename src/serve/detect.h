/* What a job does that an ordinary one does not: which refused calls are tripwires, what a job's signals weigh together,
 * and what is done about it. Pure: numbers in, a judgement out. Nothing here looks at a byte of a tenant. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "serve/honey.h"

enum signal_kind {
#define SIGNAL(id, name, weight, title) SIGNAL_##id,
#include "serve/signal.def"
#undef SIGNAL
	SIGNALS                         /* none of them */
};
const char *signal_name(enum signal_kind kind);
const char *signal_title(enum signal_kind kind);
uint32_t signal_weight(enum signal_kind kind);
uint32_t detect_score(uint64_t weights);        /* of the sum of its signals' weights: 0 to 100 */

/* Which tripwire a refused call is; SIGNALS for one that ordinary programs make as well. */
enum signal_kind detect_call(uint32_t nr, const uint64_t args[6]);

/* Refused calls of one box, in bounded room: two entries a kind, so that none hides another. Those alike in kind, number
 * and first argument are one, with the pid, instruction and arguments of the first time. */
#define TALLY_CALLS 48
struct tally_call {
	uint32_t nr, pid;
	uint64_t n, ip, args[6];
};
struct tally {
	uint64_t total;                 /* also of calls that are no tripwire */
	uint32_t n, zero;
	struct tally_call calls[TALLY_CALLS];
};
/* True when it is worth telling at once: an entry is new. */
bool tally_add(struct tally *tally, uint32_t nr, const uint64_t args[6], uint32_t pid, uint64_t ip);

enum detect_level { DETECT_NONE, DETECT_LOW, DETECT_HIGH, DETECT_CRITICAL, DETECT_LEVELS };
enum detect_action { DETECT_LOG, DETECT_KILL, DETECT_QUARANTINE, DETECT_ACTIONS };
const char *detect_level_name(enum detect_level level);         /* "none", "low", ... */
const char *detect_action_name(enum detect_action action);      /* "log", "kill", "quarantine" */
enum detect_level detect_level_find(const char *name, size_t len);      /* DETECT_LEVELS: no such */
enum detect_action detect_action_find(const char *name, size_t len);

/* What is done at each level; [DETECT_NONE] is DETECT_LOG. */
struct detect_rules {
	enum detect_action action[DETECT_LEVELS];
};
#define DETECT_RULES_DEFAULT ((struct detect_rules){ .action = { [DETECT_CRITICAL] = DETECT_KILL } })

/* What is known of one job. All zero is nothing. */
struct detect {
	uint64_t n[SIGNALS];            /* how often; 0: not seen */
	struct tally tally;
	uint64_t honey[HONEY_FILES];
	int signal;                     /* of SIGNAL_WAIT */
	uint32_t score;
	enum detect_level level, told;  /* told: the highest that an alert was made of */
};
/* Both return true when a kind is there that was not. Counts only rise. */
bool detect_note(struct detect *detect, enum signal_kind kind, uint64_t n);
bool detect_tally(struct detect *detect, const struct tally *tally);

/* How the box ended, in numbers. */
struct detect_end {
	bool is_isolate, is_gvisor;     /* its boundary */
	bool was_denied;                /* a call ended it */
	bool has_failed;                /* its own kernel or engine gave up, not the program */
	bool was_killed;                /* by us or a limit */
	bool lied;                      /* what came out of it was no language of ours */
	bool is_full;                   /* its disk */
	int signal;                     /* that its first program died of */
	uint64_t forks_refused, oom_kills, written, kept;       /* bytes of output */
};
bool detect_ended(struct detect *detect, const struct detect_end *end);

/* Evidence of one kind: an array with at least one object of numbers and names of ours. */
void detect_put_evidence(struct json *json, const char *key, const struct detect *detect, enum signal_kind kind);
/* "high: tried to mount; looked into another process (ptrace)" */
void detect_title(const struct detect *detect, char *out, size_t cap);
