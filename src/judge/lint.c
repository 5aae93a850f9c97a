/* Asks the danger data of a subject's filters and keeps the answers in order. What a question is, the
 * table says; what a filter answers, eval says. */
#include "judge/lint.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "judge/describe.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

/* What a policy of ward runs on at least; see mech/probe.h. */
#define KERNEL_OF_WARD 0x050c00

void lint_done(struct lint *lint)
{
	free(lint->findings);
	free(lint->gaps);
	arena_done(&lint->arena);
	*lint = LINT_NONE;
}

/* ---- the surroundings ---- */

static uint32_t facts_of(const struct subject *subject)
{
	const struct subject_context *const context = &subject->context;
	const struct policy *const policy = subject->policy;
	const struct {
		uint32_t fact;
		bool holds;
	} known[] = {
		{ FACT_OWN_USER, context->own_user == KNOWN_YES },
		{ FACT_OWN_PID, context->own_pid == KNOWN_YES },
		{ FACT_OWN_NET, context->own_net == KNOWN_YES },
		{ FACT_OWN_MOUNT, context->own_mount == KNOWN_YES },
		{ FACT_OWN_IPC, context->own_ipc == KNOWN_YES },
		{ FACT_OWN_UTS, context->own_uts == KNOWN_YES },
		{ FACT_OWN_TERMINAL, context->own_terminal == KNOWN_YES },
		{ FACT_LANDLOCK, context->landlock == KNOWN_YES },
		{ FACT_MDWE, context->mdwe == KNOWN_YES },
		{ FACT_NO_CAPS, context->caps_known && !context->caps },
		{ FACT_MEMORY_LIMIT, policy && policy_n(policy, KEY_MEMORY) },
		{ FACT_PIDS_LIMIT, policy && policy_n(policy, KEY_PIDS) },
	};
	uint32_t facts = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		facts |= known[i].holds ? known[i].fact : 0;
	return facts;
}

static uint32_t kernel_of(const struct subject *subject)
{
	if (subject->context.kernel)
		return subject->context.kernel;
	return subject->kind == SUBJECT_POLICY ? KERNEL_OF_WARD : 0;
}

/* Whether the kernel would refuse what takes this capability. */
static bool lacks(const struct asking *asking, const struct danger_ease *ease)
{
	const struct subject_context *const context = &asking->subject->context;

	if (ease->lacks == DANGER_ANY_CAPS || (asking->facts & FACT_NO_CAPS))
		return true;
	if (ease->on_host && (asking->facts & FACT_OWN_USER))
		return true;
	return context->caps_known && !(context->caps & UINT64_C(1) << ease->lacks);
}

static const char *tell_ease(struct asking *asking, const struct danger_ease *ease, enum severity usual)
{
	OWN(str) text = STR_NONE;
	const char *before = "";

	str_addf(&text, "%s elsewhere; here there is ", severity_name(usual));
	for (unsigned bit = 0; bit < FACTS; bit++)
		if (ease->facts & 1u << bit) {
			str_addf(&text, "%s%s", before, danger_fact_text(bit));
			before = " and ";
		}
	if (ease->lacks != DANGER_ANY_CAPS) {
		str_addf(&text, "%sno capability for it, and the kernel asks for one", before);
		before = " and ";
	}
	if (ease->kernel)
		str_addf(&text, "%sLinux %u.%u", before, ease->kernel >> 16, ease->kernel >> 8 & 255);
	return arena_copy(&asking->out->arena, str_text(&text), text.len);
}

enum severity asking_ease(struct asking *asking, const struct danger *danger, enum severity severity,
			  const char **why)
{
	const struct danger_ease *found = NULL;

	for (size_t i = 0; i < danger->n_eases; i++) {
		const struct danger_ease *const ease = &danger->eases[i];

		if ((asking->facts & ease->facts) == ease->facts && lacks(asking, ease) &&
		    asking->kernel >= ease->kernel)
			found = ease;
	}
	if (!found || found->to >= severity)
		return severity;
	if (found->to)
		*why = tell_ease(asking, found, severity);
	return (enum severity)found->to;
}

/* ---- questions ---- */

struct region asking_passes(struct asking *asking, uint32_t nr)
{
	return region_at(asking->store, asking->passes, AUDIT_ARCH_X86_64, nr);
}

/* Tables ask for equal and for other alone. */
static struct region holds(struct asking *asking, uint32_t nr, const struct filter_test *test)
{
	const uint64_t width = UINT64_MAX >> (64 - 8 * syscalls_arg_bytes(nr, test->arg));
	const struct region equal = region_arg(asking->store, test->arg, test->mask & width,
					       test->value & width);

	return test->op == FILTER_NE ? region_not(asking->store, equal) : equal;
}

struct region asking_where(struct asking *asking, const struct danger_reach *reach)
{
	struct region all = REGION_ALL;

	for (size_t i = 0; i < ARRAY_SIZE(reach->tests); i++)
		all = region_and(asking->store, all, holds(asking, reach->nr, &reach->tests[i]));
	return all;
}

/* What an example should look like, as far as it may. */
static struct region liked(struct asking *asking, const struct danger_reach *reach, struct region among)
{
	for (size_t i = 0; i < DANGER_LIKES; i++) {
		const struct danger_like *const like = &reach->like[i];
		const struct region now = region_and(asking->store, among,
			region_arg(asking->store, like->arg, UINT64_MAX, like->value));

		among = region_is_empty(now) ? among : now;
	}
	return among;
}

/* ---- findings ---- */

/* The comment may name what it is about: "# why: tty.sti, tty.linux: ..."; without a name it is about
 * everything on its line. */
static bool is_about(const char *comment, const char *id)
{
	const char *const colon = strchr(comment, ':');
	const size_t len = strlen(id);
	struct danger any;
	bool names_any = false;

	for (const char *at = comment; colon && at < colon;) {
		const size_t word = strcspn(at, ",: ");
		char name[40] = "";

		if (word == len && memcmp(at, id, len) == 0)
			return true;
		if (word && word < sizeof(name)) {
			memcpy(name, at, word);
			names_any |= danger_find(name, &any);
		}
		at += word + strspn(at + word, ", ");
		at += *at == ':' && at < colon;
	}
	return !names_any;
}

static const char *documented(const struct subject *subject, const struct subject_line *line, const char *id)
{
	const char *const why = line && line->line ? subject_why_of(subject, line->line) : NULL;

	return why && is_about(why, id) ? why : NULL;
}

struct finding *asking_add(struct asking *asking, const struct danger *danger, enum severity severity,
			   uint32_t nr)
{
	struct lint *const lint = asking->out;
	struct finding *out;

	lint->findings = mem_grow(lint->findings, &lint->cap, lint->n + 1, sizeof(*out));
	out = &lint->findings[lint->n++];
	*out = (struct finding){ .danger = *danger, .severity = severity,
				 .line = subject_line_of(asking->subject, nr) };
	out->documented = documented(asking->subject, out->line, danger->id);
	return out;
}

void finding_name(struct asking *asking, struct finding *finding, const char *name)
{
	const char **names;

	for (size_t i = 0; i < finding->n_names; i++)
		if (strcmp(finding->names[i], name) == 0)
			return;
	names = arena_alloc(&asking->out->arena, (finding->n_names + 1) * sizeof(*names));
	for (size_t i = 0; i < finding->n_names; i++)
		names[i] = finding->names[i];
	names[finding->n_names++] = name;
	finding->names = names;
}

void finding_call(struct asking *asking, struct finding *finding, const struct seccomp_data *call)
{
	char text[320];

	describe_call(call, text, sizeof(text));
	finding->call = *call;
	finding->has_call = true;
	finding->text = arena_copy(&asking->out->arena, text, strlen(text));
}

/* Says where the call has bits that its text does not show. */
static void tell_high_bits(struct asking *asking, struct finding *finding)
{
	for (unsigned arg = 0; arg < 6 && !finding->detail; arg++) {
		const uint64_t value = finding->call.args[arg];
		const uint64_t width =
			UINT64_MAX >> (64 - 8 * syscalls_arg_bytes((uint32_t)finding->call.nr, arg));

		if (value & ~width)
			finding->detail = arena_printf(&asking->out->arena,
				"with argument %u as %#llx: the filter looks at bits the kernel throws "
				"away", arg, (unsigned long long)value);
	}
}

void finding_pick(struct asking *asking, struct finding *finding, uint32_t arch, uint32_t nr,
		  struct region arguments)
{
	struct seccomp_data call = { .nr = 0 };

	if (!region_pick(asking->store, arguments, &call))
		return;
	call.arch = arch;
	call.nr = (int)nr;
	finding_call(asking, finding, &call);
	if (arch == AUDIT_ARCH_X86_64)
		tell_high_bits(asking, finding);
}

/* ---- one entry ---- */

struct reached {
	const struct danger_reach *reach;
	struct region arguments;
	enum severity severity;
	const char *eased, *documented;
	bool is_told;
};

static size_t reach(struct asking *asking, const struct danger *danger, struct reached *out)
{
	size_t n = 0;

	for (size_t i = 0; i < danger->n_reaches; i++) {
		const struct danger_reach *const ask = &danger->reaches[i];
		const enum severity usual = ask->at ? (enum severity)ask->at : danger->severity;
		struct reached now = { .reach = ask };

		if (ask->is_named_only || (ask->unless & asking->facts))
			continue;
		now.severity = asking_ease(asking, danger, usual, &now.eased);
		now.arguments = region_and(asking->store, asking_passes(asking, ask->nr),
					   asking_where(asking, ask));
		now.documented = documented(asking->subject, subject_line_of(asking->subject, ask->nr),
					    danger->id);
		if (now.severity && !region_is_empty(now.arguments))
			out[n++] = now;
	}
	return n;
}

/* All answers are one finding, the worst is its example; those with another comment on their line, or
 * with one at all, are apart. */
static void tell(struct asking *asking, const struct danger *danger, struct reached *all, size_t n,
		 size_t first)
{
	const struct reached *worst = &all[first];
	struct finding *finding;

	for (size_t i = first; i < n; i++)
		if (all[i].documented == all[first].documented && all[i].severity > worst->severity)
			worst = &all[i];
	finding = asking_add(asking, danger, worst->severity, worst->reach->nr);
	finding->eased = worst->eased;
	finding_name(asking, finding, syscalls_name(worst->reach->nr));
	for (size_t i = first; i < n; i++) {
		if (all[i].documented != all[first].documented)
			continue;
		all[i].is_told = true;
		finding_name(asking, finding, syscalls_name(all[i].reach->nr));
	}
	finding_pick(asking, finding, AUDIT_ARCH_X86_64, worst->reach->nr,
		     liked(asking, worst->reach, worst->arguments));
}

static void ask_entry(struct asking *asking, const struct danger *danger)
{
	OWN_MEM struct reached *all = mem_alloc((danger->n_reaches + 1) * sizeof(*all));
	const size_t n = reach(asking, danger, all);

	for (size_t i = 0; i < n; i++)
		if (!all[i].is_told)
			tell(asking, danger, all, n, i);
}

/* ---- all ---- */

static void add_gap(struct lint *lint, const char *text)
{
	lint->gaps = mem_grow(lint->gaps, &lint->cap_gaps, lint->n_gaps + 1, sizeof(*lint->gaps));
	lint->gaps[lint->n_gaps++] = arena_copy(&lint->arena, text, strlen(text));
}

/* Keeps the order of equals: what stands first in the data comes first. */
static void sort(struct lint *lint)
{
	for (size_t i = 1; i < lint->n; i++) {
		const struct finding moved = lint->findings[i];
		size_t at = i;

		for (; at && lint->findings[at - 1].severity < moved.severity; at--)
			lint->findings[at] = lint->findings[at - 1];
		lint->findings[at] = moved;
	}
}

/* What was concluded while the store ran full means nothing. */
static bool is_lost(struct asking *asking, size_t before)
{
	if (!regions_are_full(asking->store))
		return false;
	asking->out->n = before;
	add_gap(asking->out, "the filter is too large to be analysed in full");
	return true;
}

static void ask_all(struct asking *asking)
{
	struct danger danger;
	size_t before = 0;

	for (size_t i = 0; danger_at(i, &danger); i++) {
		ask_entry(asking, &danger);
		if (is_lost(asking, before))
			return;
		before = asking->out->n;
	}
	for (size_t i = 0; lint_rule_at(i); i++) {
		lint_rule_at(i)(asking);
		if (is_lost(asking, before))
			return;
		before = asking->out->n;
	}
}

static int ask(struct asking *asking, struct err *e)
{
	struct err why = ERR_INIT;

	if (!asking->subject->n_filters) {
		lint_no_filter(asking);
		return 0;
	}
	if (eval_subject(asking->store, asking->subject, &asking->answers, &why) < 0) {
		if (why.kind != ERR_LIMIT) {
			*e = why;
			return -1;
		}
		add_gap(asking->out, why.text);
		return 0;
	}
	asking->passes = eval_passes(asking->store, &asking->answers, false);
	if (!is_lost(asking, 0))
		ask_all(asking);
	return 0;
}

int lint_run_within(const struct subject *subject, uint32_t assumed, size_t nodes, struct lint *out,
		    struct err *e)
{
	OWN(lint) lint = LINT_NONE;
	struct asking asking = {
		.store = regions_new(nodes),
		.subject = subject,
		.answers = ANSWERS_NONE,
		.facts = facts_of(subject) | assumed,
		.kernel = kernel_of(subject),
		.out = &lint,
	};
	const int done = ask(&asking, e);

	lint.assumed = assumed & ~facts_of(subject);
	regions_free(asking.store);
	if (done < 0)
		return -1;
	for (size_t i = 0; i < subject->n_missing; i++)
		add_gap(&lint, subject->missing[i]);
	for (size_t i = 0; i < lint.n; i++)
		lint_edit(&asking, &lint.findings[i]);
	sort(&lint);
	*out = TAKE(lint, LINT_NONE);
	return 0;
}

int lint_run(const struct subject *subject, uint32_t assumed, struct lint *out, struct err *e)
{
	return lint_run_within(subject, assumed, REGIONS_NODES, out, e);
}

size_t lint_count(const struct lint *lint, enum severity at_least)
{
	size_t n = 0;

	for (size_t i = 0; i < lint->n; i++)
		n += !lint->findings[i].documented && lint->findings[i].severity >= at_least;
	return n;
}
