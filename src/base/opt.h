/* Command line options from one table: parser, --help, man page, completion. Knows none itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum opt_kind {
	OPT_FLAG,       /* no argument */
	OPT_VALUE,      /* "--x=v", "--x v", "-xv", "-x v" */
	OPT_MAYBE       /* "--x" or "--x=v"; the next word is never taken */
};

struct opt {
	const char *name;       /* long form without dashes; NULL: no option, the row is skipped */
	char letter;            /* short form, 0 = none */
	enum opt_kind kind;
	const char *arg;        /* what help calls the argument; "a|b|c" lists the choices */
	const char *help;       /* a phrase, no full stop */
	const char *group;      /* heading in help; groups appear in the order of their first row */
	const char *words;      /* completion of the argument: "a|b|c", OPT_PATHS, NULL = unknown */
	int id;                 /* the caller's */
};
#define OPT_PATHS "/"

/* One option as it was given. */
struct opt_hit {
	const struct opt *opt;
	const char *value;      /* borrowed from argv; NULL when there was none */
};

/* Where reading stands. Set table, n and argv; the rest is zero. */
struct opt_reader {
	const struct opt *table;
	size_t n;
	char *const *argv;      /* ends with NULL; the first word is read */
	size_t at;              /* after the end: index of the first operand */
	const char *cluster;    /* rest of "-abc" */
};

/* Reads the next option. Options end before the first word that is none, and after "--".
 *
 * Returns 1 and fills *hit, or 0 at the end of the options
 * Errors: ERR_USAGE for an unknown option (with the nearest known one), an argument that is missing
 * or not wanted */
MUST_USE int opt_next(struct opt_reader *reader, struct opt_hit *hit, struct err *e);

/* Appends the option list for people: 80 columns, by group. */
void opt_help(const struct opt *table, size_t n, struct str *out);

/* Appends the option list as mdoc(7): a .Ss and a .Bl for each group. */
void opt_man(const struct opt *table, size_t n, struct str *out);

/* Appends "--policy -p --set ...", for completion. */
void opt_words(const struct opt *table, size_t n, struct str *out);

/* Appends words wrapped before column 80, each line but the first indented; the first goes on where
 * the text stands. */
void opt_wrap(struct str *out, const char *text, size_t indent);
