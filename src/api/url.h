/* Percent-encoding, strictly: what decodes to a control byte, or is no UTF-8, is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* RFC 3986 section 2.1. NULL when the text is not one. */
const char *url_decode(struct arena *arena, const char *text, size_t len);

/* Appends the text with all but unreserved bytes encoded. */
struct str;
void url_encode(struct str *out, const char *text);
