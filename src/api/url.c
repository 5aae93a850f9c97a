/* One decoding, once: nothing that was decoded is decoded again. */
#include "api/url.h"

#include <ctype.h>
#include <string.h>

#include "base/clean.h"

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *url_decode(struct arena *arena, const char *text, size_t len)
{
	char *const out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '%') {
			out[n++] = text[i];
			continue;
		}
		if (len - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
			return NULL;
		out[n++] = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
		i += 2;
	}
	return clean_is(out, n) ? out : NULL;
}

void url_encode(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			str_add_bytes(out, text, 1);
		else
			str_addf(out, "%%%02X", (unsigned char)*text);
	}
}
