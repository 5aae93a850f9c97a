/* Looks at whole characters: U+009B is two bytes in UTF-8, and either form begins a command for some terminal. */
#include "base/clean.h"

#include <stdbool.h>
#include <string.h>

void clean_bytes(char *bytes, size_t len, const char *keep)
{
	for (size_t i = 0, step; i < len; i += step) {
		const unsigned char c = (unsigned char)bytes[i];
		const size_t whole = str_utf8(bytes + i, len - i);
		const bool is_c1 = whole == 2 && c == 0xc2 && (unsigned char)bytes[i + 1] < 0xa0;

		step = whole ? whole : 1;
		if (!whole || is_c1 || ((c < 0x20 || c == 0x7f) && !(c && strchr(keep, c))))
			memset(bytes + i, '?', step);
	}
}

void clean_add(struct str *out, const char *text)
{
	const size_t before = out->len;

	str_add(out, text);
	if (out->len > before)
		clean_bytes(out->at + before, out->len - before, "");
}
