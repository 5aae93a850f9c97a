/* One event of a job, as a line of JSON (application/x-ndjson). The line may be anything. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum event_kind {
	EVENT_OTHER,    /* of a later service, or a sign of life */
	EVENT_STATE,
	EVENT_STDOUT,
	EVENT_STDERR,
	EVENT_GAP,      /* bytes that were written and not kept */
	EVENT_END,      /* the last one */
};

#define EVENT_ID_MAX 96         /* with the NUL */
#define EVENT_LINE_MAX ((size_t)1 << 20)

/* Strings and bytes live until event_done(). */
struct event {
	enum event_kind kind;
	const char *id;         /* where to go on behind it; "" = nowhere */
	const char *state;      /* STATE, END */
	const char *stream;     /* GAP: "stdout", "stderr" */
	uint64_t from, to;      /* GAP */
	const char *bytes;      /* STDOUT, STDERR */
	size_t len;
	json_t *value;          /* what the strings belong to */
	char *decoded;
};
#define EVENT_NONE ((struct event){ .kind = EVENT_OTHER })

void event_done(struct event *event);

/* Errors: ERR_SYSTEM: the line is no event */
MUST_USE int event_read(const char *line, size_t len, struct event *out, struct err *e);
