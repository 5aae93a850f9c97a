/* Base64 of RFC 4648 section 4: the alphabet with + and /, padded, without line breaks. */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LEN(n) characters and a NUL. */
void base64_write(const void *bytes, size_t n, char *out);

/* Strict: no blanks, no missing padding, no bits that are thrown away, so that bytes have one text.
 * Returns the number of bytes written, at most len / 4 * 3, or -1. */
MUST_USE long base64_read(const char *text, size_t len, void *out);
