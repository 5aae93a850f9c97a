/* The states of a job and the moves between them. Pure: who may move, and when, is job_move()'s. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum job_state {
#define STATE(id, word, is_held, is_final) JOB_##id,
#include "store/state.def"
#undef STATE
	JOB_STATES
};

enum job_reason {
#define REASON(id, word) REASON_##id,
#include "store/reason.def"
#undef REASON
	JOB_REASONS
};

/* "queued", ...; "exit", ... Words appear in the API and never change. */
const char *job_state_name(enum job_state state);
const char *job_reason_name(enum job_reason reason);
/* JOB_STATES when there is no such word. */
enum job_state job_state_find(const char *word, size_t len);

bool job_state_is_held(enum job_state state);
bool job_state_is_final(enum job_state state);

/* True when the table has the move. Nothing leaves a final state. */
bool job_state_may_move(enum job_state from, enum job_state to);
