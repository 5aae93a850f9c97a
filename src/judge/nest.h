/* What stands in what: a guest in an engine, the engine in the box of a plan. Read from the plan, so that it cannot
 * say other than what will be run. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/plan.h"

struct nest_directory {
	const char *name;       /* what the guest calls it */
	const char *path;       /* where it is in the box */
	bool writes;
};

struct nest {
	const char *guest;      /* "module"; NULL: the program of the plan is native, and nothing below is set */
	const char *engine;     /* "ward-v8" */
	const char *interface;  /* "wasi_snapshot_preview1": where its calls come from */
	const char *const *calls;       /* all that a guest can call */
	size_t n_calls;
	size_t n_sealed;        /* system calls that the engine's process has left once it is sealed */
	struct nest_directory *directories;     /* in the order of the guest's numbers, from 3 */
	size_t n_directories;
	size_t n_passed;        /* descriptors it was given by number besides */
};
#define NEST_FIRST 3

/* Strings are in the arena or static. */
void nest_read(const struct plan *plan, struct arena *arena, struct nest *out);

/* Lines behind a plan's: what the engine gives up, and what the guest is given. None for a native program. */
void nest_text(const struct nest *nest, struct str *out);

/* What the guest has, in one line without its end. */
void nest_list_given(const struct nest *nest, struct str *out);
