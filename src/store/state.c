/* Words and moves of the states: two tables. */
#include "store/state.h"

#include <string.h>

static const struct {
	const char *word;
	bool is_held, is_final;
} states[JOB_STATES] = {
#define STATE(id, word, is_held, is_final) [JOB_##id] = { word, is_held, is_final },
#include "store/state.def"
#undef STATE
};

static const char *const reasons[JOB_REASONS] = {
#define REASON(id, word) [REASON_##id] = word,
#include "store/reason.def"
#undef REASON
};

#define TO(id) (1U << JOB_##id)
/* With a box or on the way to one, a job can be given back or end in any way. */
#define ENDS (TO(SUCCEEDED) | TO(FAILED) | TO(TIMED_OUT) | TO(CANCELLED) | TO(REJECTED) | TO(INFRA_FAILED))
#define BACK (TO(QUEUED) | ENDS)
static const uint32_t moves[JOB_STATES] = {
	[JOB_QUEUED] = TO(LEASED) | TO(CANCELLED) | TO(REJECTED),
	[JOB_LEASED] = TO(STARTING) | TO(RUNNING) | TO(FINISHING) | BACK,
	[JOB_STARTING] = TO(RUNNING) | TO(FINISHING) | BACK,
	[JOB_RUNNING] = TO(FINISHING) | BACK,
	[JOB_FINISHING] = BACK,
};

const char *job_state_name(enum job_state state)
{
	return state < JOB_STATES ? states[state].word : "unknown";
}

const char *job_reason_name(enum job_reason reason)
{
	return reason < JOB_REASONS ? reasons[reason] : "unknown";
}

enum job_state job_state_find(const char *word, size_t len)
{
	enum job_state state = 0;

	while (state < JOB_STATES && (strlen(states[state].word) != len || memcmp(states[state].word, word, len)))
		state++;
	return state;
}

bool job_state_is_held(enum job_state state)
{
	return state < JOB_STATES && states[state].is_held;
}

bool job_state_is_final(enum job_state state)
{
	return state < JOB_STATES && states[state].is_final;
}

bool job_state_may_move(enum job_state from, enum job_state to)
{
	return from < JOB_STATES && to < JOB_STATES && moves[from] >> to & 1;
}
