/* Questions about a filter as a whole: what it says to calls it does not know, to other spellings of what
 * it refuses, and to what libraries try. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/mem.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

#define NUMBERS 1024    /* more than there are */

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

struct danger lint_entry(const char *id)
{
	struct danger danger = { .id = id };

	danger_find(id, &danger);
	return danger;
}

uint32_t lint_last_number(void)
{
	uint32_t last = NUMBERS - 1;

	while (!syscalls_name(last))
		last--;
	return last;
}

static void ask_default(struct asking *asking)
{
	struct regions *const store = asking->store;
	const struct region unknown =
		region_and(store, region_word(store, WORD_ARCH, UINT32_MAX, AUDIT_ARCH_X86_64),
			   region_range(store, WORD_NR, lint_last_number() + 1, SYSCALLS_X32 - 1));
	struct seccomp_data call;
	struct danger danger;

	if (!region_pick(store, region_and(store, unknown, asking->passes), &call))
		return;
	danger = lint_entry("abi.default-allow");
	finding_call(asking, asking_add(asking, &danger, danger.severity, SUBJECT_ANY), &call);
}

struct said {
	enum answer answer;
	uint16_t data;
};

/* The answer to one call with these arguments. */
static struct said said(struct asking *asking, uint32_t nr, struct region arguments)
{
	struct seccomp_data call = { .nr = 0 };
	struct said out = { .answer = ANSWER_KILL_PROCESS };

	region_pick(asking->store, arguments, &call);
	call.arch = AUDIT_ARCH_X86_64;
	call.nr = (int)nr;
	out.answer = eval_at(asking->store, &asking->answers, &call, &out.data);
	return out;
}

/* Refused, and not just because nobody listed it: otherwise part of the call is allowed, or its answer
 * is another one. ENOSYS sends programs to another spelling, on purpose. */
static bool is_refused_on_purpose(struct asking *asking, const struct danger_reach *spelling)
{
	const struct region where = asking_where(asking, spelling);
	const struct region passes = asking_passes(asking, spelling->nr);
	const struct said here = said(asking, spelling->nr, where);
	const struct said other = said(asking, lint_last_number() + 1, REGION_ALL);

	if (!region_is_empty(region_and(asking->store, passes, where)))
		return false;
	if (here.answer == ANSWER_ERRNO && here.data == ENOSYS)
		return false;
	return !region_is_empty(passes) || here.answer != other.answer || here.data != other.data;
}

static void ask_class(struct asking *asking, const struct danger_class *class)
{
	const struct danger_reach *refused = NULL;
	struct danger danger;
	struct finding *finding;

	for (size_t i = 0; i < class->n; i++) {
		const struct danger_reach *const spelling = class->spellings[i];
		const struct region there = region_and(asking->store, asking_passes(asking, spelling->nr),
						       asking_where(asking, spelling));

		if (!refused && is_refused_on_purpose(asking, spelling))
			refused = spelling;
		if (!refused || region_is_empty(there))
			continue;
		danger = lint_entry("abi.alt-gap");
		finding = asking_add(asking, &danger, danger.severity, spelling->nr);
		finding_pick(asking, finding, AUDIT_ARCH_X86_64, spelling->nr, there);
		finding_name(asking, finding, syscalls_name(spelling->nr));
		finding->detail = arena_printf(&asking->out->arena, "%s: %s is refused, %s is not",
					       class->what, syscalls_name(refused->nr),
					       syscalls_name(spelling->nr));
		return;
	}
}

static void ask_classes(struct asking *asking)
{
	struct danger_class class;

	for (size_t i = 0; danger_class_at(i, &class); i++)
		ask_class(asking, &class);
}

/* ---- answers that break programs ---- */

static void refused_call(struct asking *asking, struct finding *finding, uint32_t nr)
{
	finding->is_refusal = true;
	if (!finding->has_call)
		finding_pick(asking, finding, AUDIT_ARCH_X86_64, nr, REGION_ALL);
	finding_name(asking, finding, syscalls_name(nr));
}

static void ask_probes(struct asking *asking)
{
	static const uint16_t probes[] = { NR_clone3, NR_openat2, NR_faccessat2, NR_fchmodat2, NR_statx,
					   NR_rseq, NR_close_range, NR_epoll_pwait2, NR_getrandom };
	const struct danger danger = lint_entry("abi.errno-choice");
	struct finding *finding = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		const struct said answer = said(asking, probes[i], REGION_ALL);

		if (answer.answer != ANSWER_ERRNO || answer.data == ENOSYS ||
		    !region_is_empty(asking_passes(asking, probes[i])))
			continue;
		if (!finding) {
			finding = asking_add(asking, &danger, danger.severity, probes[i]);
			finding->detail = arena_printf(&asking->out->arena, "the answer is %s",
						       strerrorname_np(answer.data) ?: "another error");
		}
		refused_call(asking, finding, probes[i]);
	}
}

static void ask_killed(struct asking *asking, const char *id, const uint16_t *numbers, size_t n)
{
	const struct danger danger = lint_entry(id);
	struct finding *finding = NULL;

	for (size_t i = 0; i < n; i++) {
		if (said(asking, numbers[i], REGION_ALL).answer > ANSWER_KILL_THREAD)
			continue;
		if (!finding)
			finding = asking_add(asking, &danger, danger.severity, numbers[i]);
		finding->detail = "the filter kills for it";
		refused_call(asking, finding, numbers[i]);
	}
}

static void ask_landlock(struct asking *asking)
{
	const struct region install = region_arg(asking->store, 0, UINT32_MAX, SECCOMP_SET_MODE_FILTER);
	const struct danger danger = lint_entry("lsm.landlock");

	if (!region_is_empty(asking_passes(asking, NR_landlock_restrict_self)) ||
	    region_is_empty(region_and(asking->store, asking_passes(asking, NR_seccomp), install)))
		return;
	refused_call(asking, asking_add(asking, &danger, danger.severity, NR_landlock_restrict_self),
		     NR_landlock_restrict_self);
}

static void ask_uprobe(struct asking *asking)
{
	static const uint16_t numbers[] = { NR_uprobe, NR_uretprobe };

	ask_killed(asking, "host.uprobe", numbers, ARRAY_SIZE(numbers));
}

static void ask_rseq(struct asking *asking)
{
	static const uint16_t numbers[] = { NR_rseq };

	ask_killed(asking, "time.rseq-membarrier", numbers, ARRAY_SIZE(numbers));
}

static void ask_privileges(struct asking *asking)
{
	const struct danger danger = lint_entry("set.no-new-privs");

	if (asking->subject->context.no_new_privs == KNOWN_NO)
		asking_add(asking, &danger, danger.severity, SUBJECT_ANY);
}

lint_rule *lint_rule_at(size_t i)
{
	static lint_rule *const rules[] = {
		ask_privileges, lint_i386, lint_x32, lint_comparisons, ask_default, ask_classes,
		ask_probes, ask_uprobe, ask_rseq, ask_landlock,
	};

	return i < ARRAY_SIZE(rules) ? rules[i] : NULL;
}

void lint_no_filter(struct asking *asking)
{
	const struct danger danger = lint_entry("set.no-filter");

	asking_add(asking, &danger, danger.severity, SUBJECT_ANY);
}
