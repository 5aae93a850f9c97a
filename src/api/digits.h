/* Whole numbers in headers and parameters: digits alone, 15 at most, so that no sum of two overflows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Takes the number that the text begins with; *text then stands behind it. */
bool digits_take(const char **text, uint64_t *out);
/* Takes the byte if it is there. */
bool digits_skip(const char **text, char c);
/* The whole text is one number. */
bool digits_are(const char *text, uint64_t *out);
