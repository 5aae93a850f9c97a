/* Bytes of a stranger, for people: nothing in them moves a terminal. */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Makes '?' of every control, those of C1 too, and of what is not UTF-8; but for the controls in keep. */
void clean_bytes(char *bytes, size_t len, const char *keep);

/* Adds a text so cleaned; no control is kept. */
void clean_add(struct str *out, const char *text);
