/* What the tries of probe_try*.c share. Each runs in a child of its own, so it may change whatever it
 * likes about itself; what it leaves outside of itself it must take away again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* How a try ends. NO with a sentence in err, or with an empty one: then errno tells. */
enum tried { TRIED_NO, TRIED_YES, TRIED_NOT };

struct try {
	const char *name;
	enum tried (*body)(long arg, struct err *said);
	long arg;
	const char *since; /* the Linux release that brought it; NULL = older than any we run on */
	const char *fix;   /* what the operator can do, when it is not the release; NULL = nothing */
	bool container, process;
};

/* The families, each ended by an empty row. */
extern const struct try try_namespaces[], try_confinement[], try_limits[];

/* Says what works, for people ("ABI 7"); always TRIED_YES. */
enum tried try_say(struct err *said, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says why not; always TRIED_NO, and TRIED_NOT for what could not even be tried. */
enum tried try_deny(struct err *said, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum tried try_skip(struct err *said, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes this process root of a user namespace of its own. */
bool try_enter_userns(void);

/* Runs body in a further child and returns its exit status, 128 + n for signal n, -1 if none. */
int try_in_child(int (*body)(void));
