/* What the parts of lint share while they ask. Private to lint*.c. */
#pragma once

#include "judge/eval.h"
#include "judge/lint.h"
#include "judge/region.h"

struct asking {
	struct regions *store;
	const struct subject *subject;
	struct answers answers;
	struct region passes;           /* calls the filters let through */
	uint32_t facts, kernel;
	struct lint *out;               /* while asking, no region of a store that is full is believed */
};

/* The arguments with which x86-64 call nr gets through. */
struct region asking_passes(struct asking *asking, uint32_t nr);

/* The arguments a question is about. */
struct region asking_where(struct asking *asking, const struct danger_reach *reach);

/* The severity of an entry here, from the severity it would have elsewhere. *why says what eased it. */
enum severity asking_ease(struct asking *asking, const struct danger *danger, enum severity severity,
			  const char **why);

/* Adds a finding about x86-64 call nr, which decides on its source line; for SUBJECT_ANY the default's.
 * The caller fills in what is special: call, text, detail. NULL: documented as nothing to say. */
struct finding *asking_add(struct asking *asking, const struct danger *danger, enum severity severity,
			   uint32_t nr);
void finding_name(struct asking *asking, struct finding *finding, const char *name);
/* Shows the call; *data without meaning for the kernel (the instruction pointer) stays. */
void finding_call(struct asking *asking, struct finding *finding, const struct seccomp_data *call);
/* Takes the plainest call of the region as the example. */
void finding_pick(struct asking *asking, struct finding *finding, uint32_t arch, uint32_t nr,
		  struct region arguments);

/* An entry of the data that is there. */
struct danger lint_entry(const char *id);

/* The highest number of a call that is known. */
uint32_t lint_last_number(void);

/* Rules of other files. */
void lint_i386(struct asking *asking);
void lint_x32(struct asking *asking);
void lint_comparisons(struct asking *asking);

/* The rules about the filter as a whole; NULL past the end. And the one about none. */
typedef void lint_rule(struct asking *asking);
lint_rule *lint_rule_at(size_t i);
void lint_no_filter(struct asking *asking);

/* Fills in the edits. */
void lint_edit(struct asking *asking, struct finding *finding);
