/* Bytes of a stranger, for people: nothing in them moves a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Makes '?' of every control, those of C1 too, and of what is not UTF-8; but for the controls in keep. True when
 * there was one. */
bool clean_bytes(char *bytes, size_t len, const char *keep);
/* True when clean_bytes() would find nothing; no control is kept. */
bool clean_is(const char *bytes, size_t len);

/* Adds a text so cleaned; no control is kept. */
void clean_add(struct str *out, const char *text);
