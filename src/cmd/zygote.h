/* The way from a policy to a zygote: fit, openings, box. */
#pragma once

#include "base/err.h"
#include "engine/isolates.h"
#include "model/host.h"
#include "model/policy.h"

/* Borrowed during the call. */
struct zygote_launch {
	const struct policy *policy;    /* of the box; limits.memory is for all guests together, limits.pids for their
					 * number; limits.cpu and limits.wall are nothing here: each guest has its own */
	struct host *host;
	const char *socket;             /* of a resident monitor; NULL = a keeper of our own */
	uint32_t parked;
	struct isolate_limits park_limits;
	isolates_ended *ended;
	void *at;
};

/* Errors: why there is no plan, or what isolates_start() says. */
MUST_USE int zygote_launch(const struct zygote_launch *launch, struct isolates **out, struct err *e);
