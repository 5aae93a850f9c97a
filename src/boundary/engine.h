/* What boundaries share whose program is the engine, ward-v8: a container with the engine's libraries, and of the
 * policy the limits alone. A module that was compiled is its own engine, and needs no libraries. Pure. */
#pragma once

#include "boundary/boundary.h"

#define ENGINE_WORKER "/ward/ward-v8"

/* Is there an engine, and a container to put it into? */
MUST_USE int engine_probe(const struct host *host, struct err *e);

/* The container's policy: the same limits, and none of what is for programs; engine and libraries are granted, unless
 * the payload is compiled, and there is room for the policy's own grants and `more`. */
struct policy *engine_narrow(struct rung *rung, size_t more);

/* Where in the box something lies: `inside`, but with payload.in_place where it is outside. */
const char *engine_place(const struct rung *rung, const char *inside, const char *outside);

/* Adds a grant of ward's own. */
void engine_grant(struct policy *policy, enum grant_kind kind, const char *what, const char *as);

/* The file that argv[0] names, at `as`; to be executed where it is compiled. One that is not there is for the engine to miss, as a shell would.
 *
 * kind  what it has to be, for the error: "WebAssembly module" */
MUST_USE int engine_grant_program(struct rung *rung, struct policy *policy, const char *as, const char *kind, struct err *e);

/* Programs and libraries of the host: nothing for a guest of the engine. */
bool engine_ignores(const struct grant *grant);

/* The words of the worker's command line. */
struct engine_words {
	const char **at;
	size_t n;
};

/* Begins with the engine and `mode`; room for the payload's own words and `more`. */
struct engine_words engine_words(struct rung *rung, const char *mode, size_t more);

/* Ends with the payload's words when `own`, and makes them the payload: its environment is what the policy says,
 * without what programs get besides. */
void engine_words_end(struct rung *rung, struct engine_words *words, bool own);

/* Plans the container.
 *
 * calls[n]  what the engine's process calls once it runs; what it needs to start is added */
MUST_USE int engine_plan(struct rung *rung, struct policy *policy, const uint16_t *calls, size_t n, const char *origin,
			 struct err *e);

/* The same for a program without libraries, whose calls are rows[n] and nothing else. */
MUST_USE int engine_plan_rows(struct rung *rung, struct policy *policy, const struct filter_row *rows, size_t n, struct err *e);
