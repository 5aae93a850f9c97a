/* What is no range of one kind or the other is none at all: a server may ignore it, RFC 9110 section 14.2. */
#include "api/range.h"

#include <string.h>

#include "api/digits.h"

enum range_outcome range_read(const char *header, uint64_t size, uint64_t *first, uint64_t *last)
{
	uint64_t from, to = UINT64_MAX;

	if (!header || strncmp(header, "bytes=", 6))
		return RANGE_WHOLE;
	header += 6;
	if (digits_skip(&header, '-')) { /* the last n */
		if (!digits_take(&header, &to) || *header)
			return RANGE_WHOLE;
		if (!to || !size)
			return RANGE_UNSATISFIABLE;
		*first = to < size ? size - to : 0;
		*last = size - 1;
		return RANGE_PART;
	}
	if (!digits_take(&header, &from) || !digits_skip(&header, '-') || (*header && !digits_take(&header, &to)) || *header || to < from)
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_UNSATISFIABLE;
	*first = from;
	*last = to < size ? to : size - 1;
	return RANGE_PART;
}

bool range_read_put(const char *header, struct range_put *out)
{
	struct range_put put = { .asks = false };

	if (strncmp(header, "bytes ", 6))
		return false;
	header += 6;
	put.asks = digits_skip(&header, '*');
	if (!put.asks && (!digits_take(&header, &put.first) || !digits_skip(&header, '-') || !digits_take(&header, &put.last)))
		return false;
	if (!digits_skip(&header, '/') || !digits_take(&header, &put.total) || *header)
		return false;
	if (!put.asks && (put.last < put.first || put.last >= put.total))
		return false;
	*out = put;
	return true;
}
