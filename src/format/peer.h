/* A policy in the words of other tools: one row a format. What a format cannot say becomes a note, and what
 * is written never lets a system call through that the policy refuses, unless the caller asked for it.
 * Pure: no file is opened, nothing is printed. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "model/filter_cases.h"
#include "model/policy.h"

/* What `read: host` stands for; lists end with NULL. */
struct peer_view {
	const char *const *trees, *const *etc;
};

/* The policy, read and compiled. Borrowed. */
struct peer_box {
	const struct policy *policy;
	const char *source;                     /* "default (built in)", "./x.yaml"; any bytes */
	const struct filter_set *rows;          /* of the policy's filter, for the lines they come from */
	const struct filter_cases *cases;       /* empty for a format that does not need them */
	const struct sock_filter *program;      /* policy and floor as one */
	size_t n;
	struct peer_view host;
	const char *const *argv;                /* what is to run, ends with NULL; empty: a place for it */
	bool widen;                             /* let calls through whole that cannot be narrowed there */
};

/* A difference between policy and peer. */
struct peer_note {
	bool is_wider;                          /* the peer lets more happen */
	const char *text;                       /* one line */
};

/* All zero is the empty one. */
struct peer_text {
	struct str out;
	struct peer_note *notes;                /* in order of importance: wider ones first */
	size_t n_notes, cap_notes;
	struct arena arena;
};
#define PEER_TEXT_NONE ((struct peer_text){ .notes = NULL })
void peer_text_done(struct peer_text *text);

void peer_note(struct peer_text *text, bool is_wider, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct peer {
	const char *name, *summary;
	bool is_binary;
	bool needs_cases;                       /* it has no order: the filter is taken apart for it */
	int (*write)(const struct peer_box *box, struct peer_text *text, struct err *e);
};

/* The i-th format, NULL past the end; and one by name, NULL when there is none. */
const struct peer *peer_at(size_t i);
const struct peer *peer_find(const char *name);

/* Writes, and puts the notes in order.
 * Errors: ERR_LIMIT when the text would be larger than STR_MAX */
MUST_USE int peer_write(const struct peer *peer, const struct peer_box *box, struct peer_text *text,
			struct err *e);

/* Adds each note as a line: prefix, "wider: " or "narrower: ", text. */
void peer_add_notes(const struct peer_text *text, const char *prefix, struct str *out);
