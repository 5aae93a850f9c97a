/* Three numbers with dots between them, or four. */
#include "api/event_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/digits.h"

void event_id_write(const struct event_id *id, char out[EVENT_ID_TEXT])
{
	const int len = snprintf(out, EVENT_ID_TEXT, "%" PRIu64 ".%" PRIu64 ".%" PRIu64, id->seq, id->out, id->err);

	if (id->used)
		snprintf(out + len, EVENT_ID_TEXT - (size_t)len, ".%" PRIu64, id->used);
}

bool event_id_read(const char *text, struct event_id *out)
{
	struct event_id id = { 0 };

	if (!digits_take(&text, &id.seq))
		return false;
	if (digits_skip(&text, '.') &&
	    (!digits_take(&text, &id.out) || !digits_skip(&text, '.') || !digits_take(&text, &id.err) ||
	     (digits_skip(&text, '.') && !digits_take(&text, &id.used))))
		return false;
	if (*text)
		return false;
	*out = id;
	return true;
}
