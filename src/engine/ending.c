/* Names the cause of an end. Refuses to call a success what did not exit with 0 by itself. */
#include "engine/ending.h"

#include <signal.h>
#include <sys/wait.h>

#include "boundary/gvisor/failed.h"

static void note_status(const struct ending *ending, struct result *result)
{
	result->killed = ending->killed;
	result->exit_code = -1;
	/* The box says it: bits that no exit has are no exit. */
	if (ending->ended && (ending->status & ~0xff00) == 0)
		result->exit_code = WEXITSTATUS(ending->status);
	else if (ending->ended && WIFSIGNALED(ending->status))
		result->signal = WTERMSIG(ending->status);
	else if (ending->stop == VERDICT_DENIED_SYSCALL)
		result->signal = SIGSYS;
	else if (ending->killed || result->oom_kills)
		result->signal = SIGKILL;
}

static enum verdict by_signal(const struct result *result)
{
	static const struct {
		int signal;
		enum verdict verdict;
	} rows[] = {
		{ SIGSYS, VERDICT_DENIED_SYSCALL },
		{ SIGXCPU, VERDICT_LIMIT_CPU },
		{ SIGXFSZ, VERDICT_LIMIT_DISK },
		{ SIGSTKFLT, VERDICT_LIMIT_MEMORY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].signal == result->signal)
			return rows[i].verdict;
	if (result->oom_kills)
		return VERDICT_LIMIT_MEMORY;
	if (result->pids_refused)
		return VERDICT_LIMIT_PIDS;
	return result->signal ? VERDICT_SIGNAL : VERDICT_NONZERO;
}

static enum verdict judge(const struct ending *ending, const struct policy *policy,
			  struct result *result)
{
	const uint64_t cpu_ms = policy_n(policy, KEY_CPU);

	if (ending->broken)
		return ending->started ? VERDICT_INTERNAL : VERDICT_SETUP;
	if (!ending->started) {
		if (result->err.kind == ERR_NONE)
			err_set(&result->err, ERR_SYSTEM,
				"the box was gone before the program started");
		return VERDICT_SETUP;
	}
	if (ending->stop != VERDICT_OK && !(ending->stop == VERDICT_SIGNAL && ending->ended))
		return ending->stop;
	if (cpu_ms && result->cpu_us > cpu_ms * 1000)
		return VERDICT_LIMIT_CPU;
	if (!ending->ended && result->oom_kills)
		return VERDICT_LIMIT_MEMORY;
	if (!ending->ended || (result->exit_code < 0 && !result->signal)) {
		err_set(&result->err, ERR_SYSTEM,
			"the box's first process died without saying how the program ended");
		return VERDICT_INTERNAL;
	}
	if (ending->in_gvisor && result->signal == GVISOR_FAILED && !result->oom_kills && !result->pids_refused) {
		err_set(&result->err, ERR_SYSTEM, "gVisor failed; what it said is on standard error");
		return VERDICT_INTERNAL;
	}
	return result->exit_code == 0 ? VERDICT_OK : by_signal(result);
}

void ending_judge(const struct ending *ending, const struct policy *policy, struct result *result)
{
	note_status(ending, result);
	result->verdict = judge(ending, policy, result);
	if (result->verdict == VERDICT_SETUP)
		result->exit_code = -1;
}
