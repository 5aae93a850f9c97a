/* From a plan to the subject that judge/ reads: the floor, the policy's filter, and what stands around them. */
#pragma once

#include "base/err.h"
#include "cmd/fit.h"
#include "model/host.h"
#include "model/subject.h"

/* Adds the filters of the plan, with what ward answers in place of its questions, and sets the context.
 *
 * Errors: those of filter_build() */
MUST_USE int subject_add_fit(struct subject *subject, const struct fit *fit, const struct host *host, struct err *e);
