/* A policy in the words of another tool: compiled and written, for compile and trace. */
#pragma once

#include "format/peer.h"
#include "model/policy.h"

struct compiled {
	struct filter_set rows, floor;
	struct filter_cases cases;
	struct sock_filter program[BPF_MAXINSNS];
	size_t n;
	struct peer_text text;          /* what was written */
};
struct compiled *compiled_new(void);
void compiled_free(struct compiled *c);

/* Borrowed. */
struct compiled_how {
	const char *source;             /* of the policy */
	const char *const *argv;        /* what is to run, ends with NULL */
	bool widen;                     /* calls that cannot be narrowed there are let through whole */
};

/* The format of a name.
 *
 * also  names the caller knows besides, for the nearest one; ends with NULL; may be NULL
 * Errors: ERR_USAGE with the nearest known name */
MUST_USE int compiled_find(const char *name, const char *const *also, const struct peer **peer, struct err *e);

/* Fills c->text, once.
 *
 * Errors: those of parts_filter_rows(), filter_cases(), filter_stack() and peer_write() */
MUST_USE int compiled_write(struct compiled *c, const struct policy *policy, const struct compiled_how *how,
			    const struct peer *peer, struct err *e);
