/* The boundaries of this build: a list, and nothing else. */
#include "boundary/boundary.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

extern const struct boundary boundary_process, boundary_container, boundary_gvisor, boundary_wasm,
	boundary_js;

static const struct boundary *const boundaries[] = {
	&boundary_process, &boundary_container, &boundary_gvisor, &boundary_wasm, &boundary_js,
};

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

void rung_done(struct rung *rung)
{
	free(rung->open);
	filter_set_done(&rung->filter);
	arena_done(&rung->arena);
	rung->open = NULL;
	rung->n_open = rung->cap_open = 0;
}
