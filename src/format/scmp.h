/* libseccomp as the peers use it: a filter is described to it, and its program taken out. Nothing is
 * installed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/subject.h"

/* Owned; all zero is none. */
struct scmp {
	void *ctx;      /* scmp_filter_ctx */
};
#define SCMP_NONE ((struct scmp){ .ctx = NULL })
void scmp_done(struct scmp *scmp);

/* action  SCMP_ACT_*, for calls without a rule
 * Errors: ERR_SYSTEM */
MUST_USE int scmp_init(struct scmp *scmp, uint32_t action, struct err *e);

/* Adds the program as a filter of *out.
 *
 * Errors: ERR_SYSTEM; ERR_USAGE when the kernel would not take it, for its length for one */
MUST_USE int scmp_add_filter(const struct scmp *scmp, const char *name, struct subject *out, struct err *e);
