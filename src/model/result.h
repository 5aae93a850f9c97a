/* How a run ended and what is known of it: one struct, written as JSON, as an isolate meta file, or as
 * a line for people. A missing field is never success. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/policy.h"

enum verdict {
	VERDICT_INTERNAL,       /* zero: what nobody filled in is a failure of ours */
	VERDICT_OK, VERDICT_NONZERO, VERDICT_SIGNAL,
	VERDICT_LIMIT_WALL, VERDICT_LIMIT_CPU, VERDICT_LIMIT_MEMORY, VERDICT_LIMIT_OUTPUT,
	VERDICT_LIMIT_PIDS, VERDICT_LIMIT_DISK,
	VERDICT_DENIED_SYSCALL, VERDICT_DENIED_PATH, VERDICT_DENIED_NET,
	VERDICT_SETUP,          /* nothing ran */
	VERDICTS
};
enum stage { STAGE_SETUP, STAGE_EXEC, STAGE_RUN };

#define RESULT_DENIALS 64
struct denial {
	uint32_t nr, line;      /* line of the policy's rule, 0 = no rule names it */
	const char *origin;     /* "@process", "policy" or "default" ; static or the policy's */
	uint8_t act;            /* enum filter_act: what it got */
	uint16_t sys;
	uint64_t args[6], count;/* arguments of the first time */
};

struct result {
	enum verdict verdict;
	enum stage stage;
	int exit_code;          /* of the program; -1 when it did not exit by itself */
	int signal;             /* that ended it, 0 = none */
	int ward_code;          /* what ward itself exits with */
	uint64_t wall_us, setup_us;
	uint64_t cpu_us, user_us, system_us, memory_peak_bytes, pids_peak, read_bytes, write_bytes;
	uint64_t oom_kills, pids_refused;
	uint32_t have;          /* USAGE_*: which of them were measured for the whole box */
	uint64_t output_bytes;  /* written by the program to stdout and stderr, also beyond the cap */
	bool output_cut, killed, ended_by_user;
	uint64_t layers;        /* installed and read back */
	uint32_t notes;         /* enum note */
	struct denial denials[RESULT_DENIALS];
	size_t n_denials;
	uint64_t denials_more;  /* that did not fit */
	const char *boundary_why;       /* of boundary auto; NULL = it was named. Borrowed */
	const char *boundary, *policy_name, *policy_source;     /* borrowed */
	struct err err;         /* for setup and internal */
};

const char *verdict_name(enum verdict verdict);        /* "limit.wall" */

/* The exit code of cli.md section 3; also stored in ward_code by run_box. */
int result_exit_code(const struct result *result);

/* One JSON object on one line, with "schema": 1. */
void result_json(const struct result *result, struct str *out);
/* The key:value lines of isolate(1)'s meta file. */
void result_isolate(const struct result *result, struct str *out);
/* Members of the JSON object, for events that carry the same: one refused call (an object, key NULL in an
 * array), and a set of layers (an array of names). */
struct json;
void result_json_denial(struct json *json, const char *key, const struct denial *denial);
void result_json_layers(struct json *json, const char *key, uint64_t layers);
/* For people: the line ward prints when something was stopped or refused, and the long form of -v. */
void result_text(const struct result *result, bool verbose, struct str *out);
