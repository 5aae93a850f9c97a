/* A policy on this host: which boundary runs it, and its plan. For run, check and selftest. */
#pragma once

#include "base/err.h"
#include "boundary/boundary.h"
#include "model/host.h"
#include "model/plan.h"
#include "model/policy.h"

struct fit {
	const struct boundary *boundary;
	struct plan *plan;      /* finished: sorted by phase */
	struct rung rung;       /* openings and notes; its policy is a copy with real paths */
	char why[400];          /* boundary auto: what was chosen and why; "" = the policy names one */
	struct err fell;        /* why the policy's own boundary cannot run; ERR_NONE: it does */
};
#define FIT_NONE ((struct fit){ .boundary = NULL })
void fit_done(struct fit *fit);

/* Plans the payload under the policy's boundary; when this host refuses that one and the policy
 * names a weaker one as fallback, under that. Before that, links on the way to grants are followed
 * or refused, once: see openings_resolve().
 *
 * policy, payload, host  borrowed by out->rung; host->tasks is counted when that is needed
 * Errors: why the last boundary tried was refused, with cause and fix; ERR_UNSUPPORTED when a
 * required layer is not in the plan
 * Syscalls: newfstatat readlinkat openat2 openat, for the paths of grants */
MUST_USE int fit_make(const struct policy *policy, const struct payload *payload, struct host *host,
		      struct fit *out, struct err *e);
