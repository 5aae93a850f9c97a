/* The policy's list of calls, as a seccomp profile that gVisor's kernel holds. Refuses to let a call through that the
 * policy refuses, but for clone3: libraries fall back on ENOSYS alone, which is gVisor's own answer to it, and runsc
 * knows no other errno than EPERM.
 * Source: gVisor runsc/specutils/seccomp/seccomp.go */
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "base/json.h"
#include "boundary/floor.h"
#include "boundary/gvisor/bundle.h"
#include "boundary/parts.h"
#include "model/filter_cases.h"
#include "model/syscalls.h"

/* About what gVisor makes of a rule and of one argument, and how much it takes: a filter has 4096 instructions. */
enum { PER_RULE = 3, PER_ARG = 8, BUDGET = 3800 };

/* What gVisor knows of actions: it has neither log nor a chosen errno, and kill is of a thread. */
static const char *action_of(uint32_t word)
{
	if (filter_word_passes(word))
		return "SCMP_ACT_ALLOW";
	return (word & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ? "SCMP_ACT_ERRNO" : "SCMP_ACT_KILL";
}

static size_t put_args(struct json *out, const struct filter_case *one)
{
	size_t n = 0;

	json_put_array(out, "args");
	for (unsigned i = 0; i < 6; i++) {
		const bool is_whole = one->mask[i] == UINT64_MAX;

		if (!one->mask[i])
			continue;
		json_put_object(out, NULL);
		json_put_u64(out, "index", i);
		json_put_u64(out, "value", is_whole ? one->value[i] : one->mask[i]);
		if (!is_whole)
			json_put_u64(out, "valueTwo", one->value[i]);
		json_put_text(out, "op", is_whole ? "SCMP_CMP_EQ" : "SCMP_CMP_MASKED_EQ");
		json_put_end(out);
		n++;
	}
	json_put_end(out);
	return n;
}

/* Returns what it costs. */
static size_t put_rule(struct json *out, uint32_t nr, const struct filter_case *one, uint32_t word)
{
	json_put_object(out, NULL);
	json_put_array(out, "names");
	json_put_text(out, NULL, syscalls_name(nr));
	json_put_end(out);
	json_put_text(out, "action", action_of(word));
	const size_t n = one ? put_args(out, one) : 0;

	json_put_end(out);
	return PER_RULE + n * PER_ARG;
}

/* What becomes of a call in no case with arguments. */
static uint32_t rest_of(const struct filter_case *of, size_t n, uint32_t otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (filter_case_is_plain(&of[i]))
			return of[i].word;
	return otherwise;
}

/* The first rule that holds decides: what differs by arguments comes before what becomes of all the others. How a call
 * is refused may differ too; it is refused either way. */
static size_t put_call(struct json *out, uint32_t nr, const struct filter_case *of, size_t n, uint32_t otherwise)
{
	const uint32_t rest = rest_of(of, n, otherwise);
	size_t cost = 0;

	for (size_t i = 0; i < n; i++)
		if (filter_word_passes(of[i].word) != filter_word_passes(rest))
			cost += put_rule(out, nr, &of[i], of[i].word);
	return cost + (filter_word_passes(rest) ? 0 : put_rule(out, nr, NULL, rest));
}

/* What is let through by default is what gVisor does not know: it skips such a rule, and answers ENOSYS to the call. */
static size_t put_profile(struct json *out, const struct filter_cases *cases)
{
	size_t cost = 0, at = 0;

	json_put_line(out);
	json_put_object(out, "seccomp");
	json_put_text(out, "defaultAction", "SCMP_ACT_ALLOW");
	json_put_array(out, "syscalls");
	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const size_t first = at;

		while (at < cases->n && cases->at[at].nr == nr)
			at++;
		if (syscalls_name(nr) && nr != SYS_clone3)
			cost += put_call(out, nr, &cases->at[first], at - first, cases->otherwise);
	}
	json_put_end(out);
	json_put_end(out);
	return cost;
}

int bundle_put_calls(struct json *out, const struct policy *policy, struct err *e)
{
	OWN(filter_set) rows = FILTER_SET_NONE;
	OWN(filter_set) floor = FILTER_SET_NONE;
	OWN(filter_cases) cases = FILTER_CASES_NONE;

	if (parts_filter_rows(policy, NULL, 0, &rows, e) < 0)
		return -1;
	floor_rows(&floor);
	if (filter_cases(&rows, &floor, &cases, e) < 0)
		return -1;
	const size_t cost = put_profile(out, &cases);

	if (cost > BUDGET)
		return err_set(e, ERR_LIMIT, "the policy's calls take about %zu instructions, more than gVisor's filter holds; "
			       "narrow fewer arguments", cost);
	return 0;
}
