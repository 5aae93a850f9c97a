/* Looks at whole characters: U+009B is two bytes in UTF-8, and either form begins a command for some terminal. */
#include "base/clean.h"

#include <string.h>

/* Bytes of the next character; true when it may stay. */
static bool look(const char *bytes, size_t len, const char *keep, size_t *step)
{
	const unsigned char c = (unsigned char)*bytes;
	const size_t whole = str_utf8(bytes, len);

	*step = whole ? whole : 1;
	if (c < 0x20 || c == 0x7f)
		return c && strchr(keep, c);
	return whole && !(c == 0xc2 && (unsigned char)bytes[1] < 0xa0);
}

bool clean_bytes(char *bytes, size_t len, const char *keep)
{
	bool found = false;

	for (size_t i = 0, step; i < len; i += step)
		if (!look(bytes + i, len - i, keep, &step)) {
			memset(bytes + i, '?', step);
			found = true;
		}
	return found;
}

bool clean_is(const char *bytes, size_t len)
{
	for (size_t i = 0, step; i < len; i += step)
		if (!look(bytes + i, len - i, "", &step))
			return false;
	return true;
}

void clean_add(struct str *out, const char *text)
{
	const size_t before = out->len;

	str_add(out, text);
	if (out->len > before)
		clean_bytes(out->at + before, out->len - before, "");
}
