/* Why something is allowed or refused: which layer says so, and which line of the policy. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "judge/region.h"
#include "model/call_text.h"
#include "model/filter.h"
#include "model/plan.h"
#include "model/subject.h"

/* What one layer says. */
struct why_check {
	const char *layer;      /* of layer.def, or the filter's name when it is not ward's */
	bool refuses;
	const char *says;       /* "errno ENOSYS", "mounted read-only" */
	const char *from;       /* where it is written: "default.yaml:52: default errno"; NULL: nowhere */
};

struct why {
	const char *question;   /* as it was understood: "socket(AF_ALG, 5, 0)" */
	bool is_refused;        /* all of it, or for a call whose arguments are free: some of it */
	bool is_mixed;          /* some is allowed, some refused */
	const char *answer;     /* "refused: errno ENOSYS", "allowed", "depends on its arguments" */
	struct why_check *checks;
	size_t n_checks, cap_checks;
	struct arena arena;
};
#define WHY_NONE ((struct why){ .question = NULL })
void why_done(struct why *why);

/* A system call. Arguments that are not given are free: the answer then lists when which holds.
 *
 * rows  those of the policy's filter, for the exact line; NULL: the subject's lines are used
 * Errors: ERR_LIMIT when the store's budget does not hold it */
MUST_USE int why_call(struct regions *store, const struct subject *subject,
		      const struct filter_set *rows, const struct call_text *call, struct why *out,
		      struct err *e);

enum why_access { WHY_READ, WHY_WRITE, WHY_EXEC, WHY_LIST, WHY_CREATE, WHY_ACCESSES };
/* The access of a letter or word: "r", "read", "w", "x", "list", "create"; WHY_ACCESSES: unknown. */
enum why_access why_access_find(const char *word);

/* A path as the program names it: what a plan's mounts and Landlock rules make of it. The plan's links
 * are followed; those of the host are not known here. Permissions of the file itself still count.
 *
 * path    absolute; "." ".." and double slashes are resolved by their text
 * Errors: ERR_USAGE for a path that is not absolute or too long */
MUST_USE int why_path(const struct plan *plan, const struct policy *policy, const char *path,
		      enum why_access access, struct why *out, struct err *e);

/* A network address, "HOST:PORT" or "[HOST]:PORT", to connect to (or to bind: listen there).
 *
 * Errors: ERR_USAGE, ERR_LIMIT as of why_call() */
MUST_USE int why_host(struct regions *store, const struct subject *subject, const struct plan *plan,
		      const char *address, bool bind, struct why *out, struct err *e);

/* For those who fill a why. Texts are copied. */
void why_add_check(struct why *why, const char *layer, bool refuses, const char *from,
		   const char *format, ...) __attribute__((format(printf, 5, 6)));

void why_text(const struct why *why, struct str *out);
void why_json(const struct why *why, struct json *out);  /* one object; "schema": "ward.why.1" */
