/* A job's output as a terminal or a model may see it: nothing in it moves the cursor, changes colours, titles or the order
 * of letters, answers as if somebody had typed, or says what its reader's user does not see. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* One stream; all zero at its beginning. */
struct tame {
	char held[4];           /* the beginning of a character whose rest has not come */
	size_t n;
};

/* Appends the text with control characters written out: "^[", "\x9b", "<U+202E>". Line ends and tabs stay. */
void tame_add(struct tame *tame, const char *bytes, size_t len, struct str *out);
/* What is held is no character any more. */
void tame_end(struct tame *tame, struct str *out);
/* A whole text that has to stay on one line: line ends and tabs are written out as well. */
void tame_line(const char *text, struct str *out);
