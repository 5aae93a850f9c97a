/* The second run of `ward trace --replay`. Refuses to call it sufficient when it ended otherwise. */
#include "cmd/trace_replay.h"

#include <string.h>

#include "cmd/apart.h"
#include "cmd/running.h"
#include "cmd/say.h"
#include "model/syscalls.h"

#define NAME "the derived policy"

static bool was_refused_before(const struct record *record, uint32_t nr)
{
	const struct record_call *const call = nr < RECORD_CALLS ? &record->calls[nr] : NULL;

	return call && call->count && call->refused == call->count;
}

static const struct denial *first_miss(const struct replay *replay, const struct result *result)
{
	for (size_t i = 0; i < result->n_denials; i++)
		if (!was_refused_before(replay->record, result->denials[i].nr))
			return &result->denials[i];
	return NULL;
}

static void say_miss(const struct replay *replay, const struct denial *denial)
{
	const char *const name = syscalls_name(denial->nr);
	const bool is_known = denial->nr < RECORD_CALLS && replay->record->calls[denial->nr].count;
	char text[256];

	syscalls_format(denial->nr, denial->args, text, sizeof(text));
	if (is_known)
		say(SAY_NOTE, "replay: first miss: %s: these arguments were not seen while tracing; merge a trace of a run that "
		    "makes this call, or add to syscalls.allow: %s", text, name);
	else
		say(SAY_NOTE, "replay: first miss: %s: it was not made while tracing; merge a trace of a run that makes it, or "
		    "add to syscalls.allow: %s", text, name ? name : "nothing: ward does not know this call");
}

static int judge(const struct replay *replay, const struct result *result, int code)
{
	const struct denial *const miss = first_miss(replay, result);

	if (miss)
		say_miss(replay, miss);
	else if (code != replay->traced_code)
		say(SAY_NOTE, "replay: no call was refused, but it ended with %d instead of %d: a limit, a file or an address is "
		    "missing (%s)", code, replay->traced_code, verdict_name(result->verdict));
	else if (result->denials_more)
		say(SAY_NOTE, "replay: %llu more refused calls were not recorded, so nothing can be said of them",
		    (unsigned long long)result->denials_more);
	else
		return 0;
	return CODE_FINDINGS;
}

static void take_passed(const struct replay *replay, struct policy *policy)
{
	policy->pass_fds = mem_grow(policy->pass_fds, &policy->cap_pass, replay->n_passed, sizeof(*policy->pass_fds));
	memcpy(policy->pass_fds, replay->passed, replay->n_passed * sizeof(*policy->pass_fds));
	policy->n_pass = replay->n_passed;
}

static int run_again(void *at)
{
	const struct replay *const replay = *(const struct replay **)at;
	OWN(running) run = RUNNING_NONE;
	struct err e = ERR_INIT;

	run.source = NAME;
	if (policy_read(NAME, replay->policy, strlen(replay->policy), &run.policy, &e) < 0) {
		say(SAY_ERROR, "%s", e.text);
		return replay->args->own_codes + CODE_SETUP - CODE_STOPPED;
	}
	if (replay->n_passed)
		take_passed(replay, &run.policy);
	if (running_prepare(&run, replay->args, &e) < 0) {
		say(SAY_ERROR, "replay: %s", e.text);
		(void)running_fail(&run, replay->args, &e);
		return run.result.ward_code;
	}
	running_start(&run);
	return judge(replay, &run.result, running_report(&run, replay->args));
}

int trace_replay(const struct replay *replay, struct err *e)
{
	if (replay->traced_code)
		say(SAY_NOTE, "replay: the traced run ended with %d; what it would do otherwise is not known",
		    replay->traced_code);
	return apart_run(run_again, &replay, e);
}
