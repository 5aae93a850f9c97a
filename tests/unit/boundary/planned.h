/* What a boundary made of a sketch: the plan as text, its notes, its filter's answers. */
#pragma once

#include "hosts.h"

/* Makes the plan and has it verified; its text, with nothing that is golden elsewhere. */
static inline void planned_text(struct sketch *sketch, const char *boundary, const char *name, struct str *out)
{
	OWN(str) whole = STR_NONE;
	struct err e = ERR_INIT;

	if (sketch_plan(sketch, boundary, &e) < 0 || plan_finish(sketch->rung.plan, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	if (plan_verify(sketch->rung.plan, sizeof(struct plan), sketch->rung.plan->n_fds, &ceiling_default, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	plan_text(sketch->rung.plan, &whole);
	cut_digests(str_text(&whole), out);
}

static inline void planned_notes(const struct sketch *sketch, struct str *out)
{
	for (size_t bit = 0; bit < 32; bit++)
		if (sketch->rung.notes & 1u << bit)
			str_addf(out, "note %s\n", note_text((enum note)(1u << bit)));
}

static inline bool planned_allows(const struct sketch *sketch, uint32_t nr)
{
	const uint64_t any[6] = { 0 };
	const struct filter_row *row;

	return filter_judge(&sketch->rung.filter, nr, any, &row) == FILTER_ALLOW;
}
