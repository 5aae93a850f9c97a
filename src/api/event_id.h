/* Where a reader of a job's events stands: the last row of state, how much of each output, and the moment (t_ms) of the
 * last sample of what it uses. The text is the `id`
 * of an event, and what Last-Event-ID and ?after= take. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_id {
	uint64_t seq, out, err, used;
};
#define EVENT_ID_TEXT 88

void event_id_write(const struct event_id *id, char out[EVENT_ID_TEXT]);
/* "3.120.0", "3.120.0.250" behind a sample; "3" is the third row and no output. */
bool event_id_read(const char *text, struct event_id *out);
