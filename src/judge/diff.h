/* What two policies, profiles or processes allow differently: exactly, with a call that shows it. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "judge/eval.h"
#include "judge/region.h"
#include "model/subject.h"

/* Calls that A and B answer differently, all in the same way: one number or a run, some arguments. */
enum difference_of { OF_ONE, OF_EVERY_FROM /* low to high */, OF_SOME_FROM, OF_OTHER_ARCH };
struct difference {
	enum difference_of of;
	uint32_t arch, low, high;       /* for OF_OTHER_ARCH one example */
	enum answer before, after;      /* of A, of B */
	uint16_t data_before, data_after;       /* errno, for ANSWER_ERRNO */
	struct region arguments;        /* in the store it was made in */
	struct seccomp_data example;
};

/* A setting that both have, or one alone (the other NULL): limits, grants, layers, namespaces. */
struct setting_difference {
	const char *key, *before, *after;
};

struct diff {
	struct difference *calls;       /* what B allows more, then what it allows less, then other refusals */
	size_t n_calls, cap_calls;
	struct setting_difference *settings;
	size_t n_settings, cap_settings;
	struct arena arena;
};
#define DIFF_NONE ((struct diff){ .calls = NULL })
void diff_done(struct diff *diff);

/* Each adds what it finds.
 *
 * diff_calls     the filters of both, for every architecture and number there can be.
 *                Errors: ERR_LIMIT when the store's budget does not hold it: incomplete, not "equal"
 * diff_policies  every setting that --explain shows but the system calls; nothing when either is no policy
 * diff_contexts  namespaces, capabilities and so on, as far as both are known
 * diff_setting   one more, when the texts differ; NULL: absent */
MUST_USE int diff_calls(struct regions *store, const struct subject *a, const struct subject *b,
			struct diff *out, struct err *e);
void diff_policies(const struct policy *a, const struct policy *b, struct diff *out);
void diff_contexts(const struct subject_context *a, const struct subject_context *b, struct diff *out);
void diff_setting(struct diff *out, const char *key, const char *before, const char *after);

static inline bool diff_is_empty(const struct diff *diff)
{
	return !diff->n_calls && !diff->n_settings;
}

/* For people, and "schema": "ward.diff.1". */
void diff_text(struct regions *store, const struct diff *diff, const char *a, const char *b,
	       struct str *out);
void diff_json(struct regions *store, const struct diff *diff, const char *a, const char *b,
	       struct json *out);
