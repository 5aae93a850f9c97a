/* The way from a policy to a zygote: fit, openings, box. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "engine/isolates.h"
#include "model/host.h"
#include "model/policy.h"

/* Borrowed during the call. */
struct zygote_launch {
	const struct policy *policy;    /* of the box; limits.memory is for all guests together, limits.pids for their
					 * number; limits.cpu and limits.wall are nothing here: each guest has its own */
	struct host *host;
	bool wasm;                      /* its guests are WebAssembly modules: what the policy grants is what each of
					 * them is given, so a zygote with grants is one tenant's */
	const char *module;             /* wasm: absolute path of a file that is compiled once for all guests, before the
					 * first: such a zygote is one tenant's. NULL: each is sent its own */
	bool serves;                    /* js: its guests may fork for requests (engine/serving.h): such a zygote is one tenant's */
	const char *socket;             /* of a resident monitor; NULL = a keeper of our own */
	uint32_t parked;
	struct isolate_limits park_limits;
	isolates_ended *ended;
	void *at;
};

/* Errors: why there is no plan, or what isolates_start() says. */
MUST_USE int zygote_launch(const struct zygote_launch *launch, struct isolates **out, struct err *e);
