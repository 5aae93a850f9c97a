/* One box for ward's own purposes: a policy on this host, a program, and what it wrote. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "model/host.h"
#include "model/layer.h"
#include "model/policy.h"
#include "model/result.h"

/* Borrowed. */
struct launch {
	const struct policy *policy;
	struct host *host;
	const char *socket; /* of a resident monitor; NULL = a keeper of our own */
	const char *const *argv;
	bool pty;           /* the program gets a terminal of its own */
	enum layer without; /* taken out of the plan: selftest's alone; LAYERS = none */
	bool in_kernels_place; /* selftest's alone, as struct payload has it */
};

/* Runs the box to its end. Standard input is empty, standard error is dropped.
 *
 * output  standard output is appended, at most LAUNCH_OUTPUT bytes of it, without carriage returns
 * result  its boundary is set; borrowed strings live as long as the program
 * Errors: why there is no plan, or (ERR_UNSUPPORTED) none without that layer; what goes wrong later
 * is in *result */
#define LAUNCH_OUTPUT (1u << 20)
MUST_USE int launch_box(const struct launch *launch, struct str *output, struct result *result,
			struct err *e);
