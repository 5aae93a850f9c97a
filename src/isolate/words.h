/* What a parked engine is told when its job has come: "N\0NAME=VALUE\0...WORD\0...", variables of the guest and then words.
 * They come from a tenant, in a form that ward-step gave them. */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define WORDS_BYTES ((size_t)4 << 20)
#define WORDS_MAX 8192

/* Both lists end with NULL and point into the text. argv[0] stands where a program's name would, and is nobody's: the
 * words are argc - 1. */
struct words {
	char **all, **variables, **argv;
	size_t n_variables, argc;
};
#define WORDS_NONE ((struct words){ .all = NULL })
void words_done(struct words *words);

/* text  len bytes, and a NUL behind them
 *
 * Errors: ERR_USAGE for what is cut off, too long, or says of itself what is not so */
MUST_USE int words_read(char *text, size_t len, struct words *out, struct err *e);
