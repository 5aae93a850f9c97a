/* The forbidden operations, as rows: what ward-probe tries and what the judge expects of it. Data
 * only: the functions behind the rows are ward-probe's business. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum attempt_group {
	GROUP_SYSCALLS,
	GROUP_PRIVILEGE,
	GROUP_FILES,
	GROUP_PROC,
	GROUP_DESCRIPTORS,
	GROUP_NETWORK,
	GROUP_IPC,
	GROUP_RESOURCES,
	GROUP_LIFECYCLE,
	GROUP_CONTROLS,
	GROUP_WASM, /* from here on: a guest of an engine tries, with what the engine gives it */
	GROUP_JS,
	GROUPS
};

/* Which boundaries claim that the operation is refused. */
enum attempt_claims {
	CLAIM_PROCESS = 1 << 0,
	CLAIM_CONTAINER = 1 << 1,
	CLAIM_BOTH = CLAIM_PROCESS | CLAIM_CONTAINER,
	CLAIM_WASM = 1 << 2,
	CLAIM_GVISOR = 1 << 3,
	CLAIM_JS = 1 << 4,
	CLAIM_ENGINE = CLAIM_WASM | CLAIM_JS
};

/* What the policy must say for the row to be a claim at all. */
enum attempt_need {
	NEED_NOTHING,
	NEED_OFFLINE,   /* network none */
	NEED_NO_EXEC,   /* no written file may be executed */
	NEED_UNGRANTED, /* no grant touches .path */
	NEED_SCRATCH,
	NEED_MDWE,
	NEED_NO_TSC,
	NEED_MEMORY, /* from here on: a limit is stated */
	NEED_PIDS,
	NEED_CPU,
	NEED_DISK,
	NEED_INODES,
	NEED_FILES,
	NEED_FSIZE
};

enum attempt_how {
	HOW_ALONE = 1 << 0,    /* may end the box: it gets one of its own */
	HOW_TWICE = 1 << 1,    /* two boxes one after the other; the second one's record counts */
	HOW_WATCHED = 1 << 2,  /* the outcome shows outside, after the box has ended */
	HOW_LAYERED = 1 << 3,  /* a claim only where one of .layers is installed */
	HOW_SLOW = 1 << 4,     /* in the matrix tried only without a layer of .layers */
	HOW_TERMINAL = 1 << 5, /* in a box with a terminal of its own */
	HOW_STATE = 1 << 6     /* a question: not being allowed to ask it proves nothing */
};

/* The call at the heart of an attempt. A policy that lists it takes the system call filters out of
 * the layers that are expected to hold. */
struct attempt_call {
	bool has;
	uint32_t nr;
	uint64_t args[4];
};

/* Texts lie in the row: a table of pointers would be relocated, and so touched, in every start of
 * ward. */
struct attempt_row {
	char id[20], what[60]; /* what completes "the program can ..." */
	uint32_t group, claims, need, how;
	uint64_t layers; /* LAYER_BITs meant to refuse it */
	struct attempt_call call;
	char path[56]; /* operand of the generic attempts */
	uint64_t n;
	uint32_t also; /* a call that does the same; 0 = none */
};

size_t attempt_count(void);

/* In the order in which they are tried; NULL past the end. */
const struct attempt_row *attempt_at(size_t i);
const struct attempt_row *attempt_find(const char *id);
size_t attempt_index(const struct attempt_row *row);

/* For --only ("files") and for people ("files and devices"); NULL past the end. */
const char *attempt_group_name(enum attempt_group group);
const char *attempt_group_title(enum attempt_group group);

/* Native code makes it, by system calls; else it is a guest's. */
bool attempt_is_native(const struct attempt_row *row);

/* Must be possible: a box that refuses everything proves nothing. */
bool attempt_is_control(const struct attempt_row *row);

/* How an attempt ended. */
enum outcome_kind {
	OUTCOME_NONE, /* nobody filled it in: never taken for a refusal */
	OUTCOME_REFUSED,
	OUTCOME_ALLOWED,
	OUTCOME_KILLED,
	OUTCOME_SKIPPED,
	OUTCOMES
};

/* The word in a record: "unknown", "refused", "allowed", "killed", "skipped". */
const char *outcome_name(enum outcome_kind kind);

/* Records, one line each on standard output:
 *   S id                          the attempt begins
 *   P id outcome number detail    its end; number is the errno, or the signal of "killed"; detail
 *                                 runs to the end of the line, "-" when there is none
 *   E count                       all attempts were made */
#define RECORD_DETAIL 80
