/* Names of states and reasons. */
#include "serve/state.h"

#include <string.h>

static const char *const states[JOB_STATES] = {
	[JOB_QUEUED] = "queued", [JOB_LEASED] = "leased", [JOB_STARTING] = "starting",
	[JOB_RUNNING] = "running", [JOB_FINISHING] = "finishing", [JOB_SUCCEEDED] = "succeeded",
	[JOB_FAILED] = "failed", [JOB_TIMED_OUT] = "timed_out", [JOB_CANCELLED] = "cancelled",
	[JOB_REJECTED] = "rejected", [JOB_INFRA_FAILED] = "infra_failed",
};
static const char *const reasons[JOB_REASONS] = {
	[REASON_NONE] = "", [REASON_EXIT] = "exit", [REASON_SIGNAL] = "signal", [REASON_OOM] = "oom",
	[REASON_OUTPUT_LIMIT] = "output_limit", [REASON_DISK_LIMIT] = "disk_limit",
	[REASON_PIDS_LIMIT] = "pids_limit", [REASON_COMPILE] = "compile", [REASON_POLICY_KILL] = "policy_kill",
	[REASON_PROTOCOL] = "protocol", [REASON_WALL] = "wall", [REASON_CPU] = "cpu",
	[REASON_DEADLINE] = "deadline", [REASON_INPUT] = "input", [REASON_BOUNDARY] = "boundary",
};

static int find(const char *const *names, int n, const char *name)
{
	int i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

const char *job_state_name(enum job_state state)
{
	return state < JOB_STATES ? states[state] : "unknown";
}

enum job_state job_state_find(const char *name)
{
	return (enum job_state)find(states, JOB_STATES, name);
}

const char *job_reason_name(enum job_reason reason)
{
	return reason < JOB_REASONS ? reasons[reason] : "unknown";
}

enum job_reason job_reason_find(const char *name)
{
	return (enum job_reason)find(reasons, JOB_REASONS, name);
}
