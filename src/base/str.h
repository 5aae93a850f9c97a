/* Text under construction, and the nearest of some names. Nothing here looks inside the bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* Grows up to max bytes; what does not fit is left out and `cut` says so. All zero is the empty one
 * with a bound of STR_MAX. */
#define STR_MAX ((size_t)16 << 20)
struct str {
	char *at;       /* NULL while empty, else terminated; read it through str_text() */
	size_t len, cap;
	size_t max;     /* bytes without the terminator; 0 = STR_MAX */
	bool cut;
};
#define STR_NONE ((struct str){ .at = NULL })

void str_done(struct str *str);

/* Never NULL; borrowed until the next str_add*() or str_done(). */
const char *str_text(const struct str *str);

/* Append bytes, a terminated text, or a formatted one (at most 4095 bytes of it). */
void str_add_bytes(struct str *str, const char *bytes, size_t n);
void str_add(struct str *str, const char *text);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fills the last line with spaces up to `column` (0 = first); at least one, so that columns never
 * touch. */
void str_pad(struct str *str, size_t column);

/* The known name that was probably meant. Offer every known name, then ask.
 *
 *   struct str_near near = STR_NEAR("memmory");
 *   str_near_offer(&near, "memory");
 *   str_near_best(&near)  -> "memory", or NULL when nothing is close: a wild guess helps nobody
 *
 * Distance: insertions, deletions, replacements, swaps of neighbours (optimal string alignment). */
struct str_near {
	const char *wanted, *best;      /* borrowed */
	unsigned distance;
};
#define STR_NEAR(text) ((struct str_near){ .wanted = (text), .distance = -1U })

void str_near_offer(struct str_near *near, const char *name);
const char *str_near_best(const struct str_near *near);

/* Length of the valid UTF-8 sequence that begins the text, 0 when there is none.
 * Source: RFC 3629 section 4 (no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t str_utf8(const char *text, size_t left);
/* True when all of it is: no NUL either. */
bool str_is_utf8(const char *text, size_t len);
