/* How dangerous a call that passes is: what `ward lint` finds about it, in the same surroundings, so that the
 * two commands cannot disagree. */
#include <string.h>

#include "judge/lint.h"
#include "judge/surface_making.h"

/* Said of the kernel as a whole already: no filter, other architectures, other numbers. */
static bool is_said(const struct danger *danger)
{
	static const char *const ids[] = { "set.no-filter", "set.no-new-privs", "abi.arch-unchecked", "abi.x32" };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (strcmp(danger->id, ids[i]) == 0)
			return true;
	return false;
}

static const char *keep(struct making *m, const char *text)
{
	return text ? arena_copy(&m->surface->arena, text, strlen(text)) : "";
}

static const char *reason_of(struct making *m, const struct finding *finding)
{
	const char *const why = finding->danger.why;
	const size_t len = strlen(why), end = len && why[len - 1] == '.' ? len - 1 : len;

	return arena_printf(&m->surface->arena, "%.*s (%s)", (int)end, why, finding->danger.id);
}

static struct surface_item *call_named(struct making *m, const char *name)
{
	for (size_t i = 0; i < m->surface->n_items; i++)
		if (m->surface->items[i].kind == SURFACE_CALL && strcmp(m->surface->items[i].name, name) == 0)
			return &m->surface->items[i];
	return NULL;
}

/* Of several findings about a call the worst speaks: they come in that order. */
static void rate(struct making *m, const struct finding *finding, const char *name, unsigned rank)
{
	struct surface_item *const item = call_named(m, name);

	if (!item || *item->reason)
		return;
	item->severity = finding->severity;
	item->rank = rank;
	item->reason = reason_of(m, finding);
	item->close = keep(m, finding->n_edits ? finding->edits[0] : finding->danger.tolerable);
	item->flow |= finding->severity >= SEVERITY_MEDIUM ? FLOW_RIGHT : 0u;
	/* The example may be of another call that does the same. */
	if (!*item->detail && finding->text && strncmp(finding->text, name, strlen(name)) == 0 &&
	    finding->text[strlen(name)] == '(')
		item->detail = arena_printf(&m->surface->arena, "such as %s", finding->text);
}

/* About the filter, not about one call. */
static void add_fault(struct making *m, const struct finding *finding, unsigned rank)
{
	if (is_said(&finding->danger) || !m->has_filter)
		return;
	surface_add(m, &(struct surface_item){
		.kind = SURFACE_KERNEL,
		.severity = finding->severity,
		.rank = 300 + rank,
		.flow = FLOW_IN | FLOW_OUT | FLOW_RIGHT,
		.name = "a fault of the filter",
		.detail = finding->text ? keep(m, finding->text) : keep(m, finding->detail),
		.reason = reason_of(m, finding),
		.close = keep(m, finding->n_edits ? finding->edits[0] : finding->danger.tolerable),
	});
}

static uint32_t facts_of(const struct place *place)
{
	return (place->holds & PLACE_NO_TERMINAL ? FACT_OWN_TERMINAL : 0u) |
	       (place->bounds[PLACE_MEMORY].whole == KNOWN_YES ? FACT_MEMORY_LIMIT : 0u) |
	       (place->bounds[PLACE_PIDS].whole == KNOWN_YES ? FACT_PIDS_LIMIT : 0u);
}

static void rate_all(struct making *m, const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		const struct finding *const finding = &lint->findings[i];

		if (finding->severity == SEVERITY_NONE)
			continue;
		if (!finding->n_names)
			add_fault(m, finding, (unsigned)i);
		for (size_t k = 0; k < finding->n_names; k++)
			rate(m, finding, finding->names[k], (unsigned)i);
	}
}

/* Where there is no filter lint says that once. Each call is still as dangerous as it is. */
static int run_lint(const struct making *m, const struct subject *subject, struct lint *out, struct err *e)
{
	static const struct sock_filter everything[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
	OWN(subject) open = SUBJECT_NONE;

	if (subject->n_filters)
		return lint_run(subject, facts_of(m->place), out, e);
	open.kind = SUBJECT_PROCESS;
	open.context = subject->context;
	subject_add_filter(&open, "no filter", everything, ARRAY_SIZE(everything));
	return lint_run(&open, facts_of(m->place), out, e);
}

void surface_rate_calls(struct making *m, const struct subject *subject)
{
	OWN(lint) lint = LINT_NONE;
	struct err e = ERR_INIT;

	if (run_lint(m, subject, &lint, &e) < 0)
		surface_add_missing(m, e.text);
	else
		rate_all(m, &lint);
}
