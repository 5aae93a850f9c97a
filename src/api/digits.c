/* No signs, no blanks, no other bases. */
#include "api/digits.h"

#include <string.h>

bool digits_take(const char **text, uint64_t *out)
{
	const size_t n = strspn(*text, "0123456789");
	uint64_t number = 0;

	if (n == 0 || n > 15)
		return false;
	for (size_t i = 0; i < n; i++)
		number = number * 10 + (uint64_t)((*text)[i] - '0');
	*text += n;
	*out = number;
	return true;
}

bool digits_skip(const char **text, char c)
{
	const bool is_there = **text == c;

	*text += is_there;
	return is_there;
}

bool digits_are(const char *text, uint64_t *out)
{
	uint64_t number;

	if (!digits_take(&text, &number) || *text)
		return false;
	*out = number;
	return true;
}
