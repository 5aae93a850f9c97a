/* Where a job is, and why it ended as it did. The words are those of the API and of the store's rows. Pure. */
#pragma once

#include <stdbool.h>

enum job_state {
	JOB_QUEUED, JOB_LEASED, JOB_STARTING, JOB_RUNNING, JOB_FINISHING,
	JOB_SUCCEEDED, JOB_FAILED, JOB_TIMED_OUT, JOB_CANCELLED, JOB_REJECTED, JOB_INFRA_FAILED,
	JOB_STATES
};
enum job_reason {
	REASON_NONE,
	/* failed */
	REASON_EXIT, REASON_SIGNAL, REASON_OOM, REASON_OUTPUT_LIMIT, REASON_DISK_LIMIT, REASON_PIDS_LIMIT,
	REASON_COMPILE, REASON_POLICY_KILL, REASON_PROTOCOL,
	/* timed_out */
	REASON_WALL, REASON_CPU,
	/* rejected: it was never started */
	REASON_DEADLINE, REASON_INPUT, REASON_BOUNDARY,
	JOB_REASONS
};

/* "queued", "infra_failed"; "output_limit", "" for none. Finding answers JOB_STATES and JOB_REASONS for other
 * words. */
const char *job_state_name(enum job_state state);
enum job_state job_state_find(const char *name);
const char *job_reason_name(enum job_reason reason);
enum job_reason job_reason_find(const char *name);

/* No state follows. */
static inline bool job_state_is_terminal(enum job_state state)
{
	return state >= JOB_SUCCEEDED && state < JOB_STATES;
}
