/* What failed: a kind for programs, a sentence for people. Never prints. */
#pragma once

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))

enum err_kind {
	ERR_NONE,
	ERR_USAGE,       /* the input is wrong: flag, policy, request */
	ERR_DENIED,      /* understood, and refused by a policy or a ceiling */
	ERR_MISSING,     /* no such file, policy, boundary */
	ERR_CONFLICT,    /* legal, but not in this state */
	ERR_LIMIT,       /* a quota or a size bound was reached */
	ERR_UNSUPPORTED, /* this host or build cannot do it */
	ERR_SYSTEM,      /* a system call failed; see sys */
	ERR_BUG,         /* one of our own invariants is broken */
	ERR_KINDS
};

/* Fixed size: needs no release, works out of memory, crosses the monitor's socket as it is. */
struct err {
	enum err_kind kind;
	int sys;         /* errno of the failed call, or 0 */
	char text[368];  /* "outermost: ...: cause"; no newline, control bytes escaped */
};

#define ERR_INIT ((struct err){ .kind = ERR_NONE })

/* Each sets *e and returns -1, so that failing is one line. Control bytes in the text are
 * replaced by '?': a sentence may quote a hostile file name.
 *   err_set   kind and sentence
 *   err_sys   ERR_SYSTEM, the sentence, then ": " and strerror(errno); sys = errno
 *   err_add   puts "sentence: " before the text already in *e; kind and sys stay */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int err_sys(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_add(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One word for a kind, for logs and JSON: "usage", "denied", ... */
const char *err_kind_name(enum err_kind kind);
