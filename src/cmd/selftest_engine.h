/* The half of selftest that only a boundary with an engine has: its guests, and what stands in its place. */
#pragma once

#include "cmd/selftest_box.h"

/* Finds out whether the policy's boundary has an engine, and then where it is and what takes its place.
 * Errors: ERR_UNSUPPORTED, ERR_MISSING */
MUST_USE int selftest_engine_find(struct selftest *self, struct err *e);

/* With the markers there: sets out what a guest is granted. */
MUST_USE int selftest_engine_set_out(struct selftest *self, struct err *e);

/* The program that the next boxes have for their engine. */
void selftest_engine_use(struct selftest *self, const char *program);

/* With the policy as it will be run: what the engine's process may do, and which number a guest has for which
 * directory. */
MUST_USE int selftest_engine_look(struct selftest *self, struct err *e);

/* The selected attempts of guests, in the engine. */
MUST_USE int selftest_engine_pass(struct selftest *self, struct selftest_pass *pass, enum layer without,
				  struct result *result, struct err *e);
