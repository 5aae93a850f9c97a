/* The boundaries of this build: a list, and nothing else. */
#include "boundary/boundary.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

extern const struct boundary boundary_process, boundary_container;

static const struct boundary *const boundaries[] = { &boundary_process, &boundary_container };

const struct boundary *boundary_at(size_t i)
{
	return i < ARRAY_SIZE(boundaries) ? boundaries[i] : NULL;
}

const struct boundary *boundary_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++)
		if (strcmp(boundaries[i]->name, name) == 0)
			return boundaries[i];
	return NULL;
}

static const char *const note_texts[] = {
	"limits hold for each process, not for the whole box: there is no cgroup (fallback: rlimits)",
	"scratch directories need a mount namespace; the program can write only where the policy grants it",
	"the program cannot send signals: this kernel cannot keep them inside",
	"Landlock here is older than ABI 6: no scopes, and perhaps no ports or truncation",
	"refused system calls are not recorded",
	"mdwe is enforced by filter rows alone: the kernel has no PR_SET_MDWE (Linux 6.3)",
	"outside, the program has the caller's own user id",
	"the host's programs and libraries are shared, read-only",
};

const char *rung_note_text(enum rung_note note)
{
	const unsigned bit = note ? (unsigned)__builtin_ctz(note) : 32;

	return bit < ARRAY_SIZE(note_texts) ? note_texts[bit] : NULL;
}

void rung_done(struct rung *rung)
{
	free(rung->open);
	filter_set_done(&rung->filter);
	arena_done(&rung->arena);
	rung->open = NULL;
	rung->n_open = rung->cap_open = 0;
}
