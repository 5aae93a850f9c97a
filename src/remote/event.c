/* A line to an event. Refuses what it would have to guess. */
#include "remote/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "remote/field.h"
#include "serve/base64.h"

void event_done(struct event *event)
{
	json_decref(event->value);
	free(event->decoded);
	*event = EVENT_NONE;
}

static enum event_kind kind_of(const char *name)
{
	static const char *const names[] = {
		[EVENT_STATE] = "state", [EVENT_STDOUT] = "stdout", [EVENT_STDERR] = "stderr", [EVENT_GAP] = "gap", [EVENT_END] = "end",
	};

	for (size_t i = EVENT_STATE; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum event_kind)i;
	return EVENT_OTHER;
}

static int bad(const char *why, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "the service sent an event that is none: %s", why);
}

static int read_bytes(const json_t *data, struct event *event, struct err *e)
{
	const json_t *const text = json_object_get(data, "data");
	const char *const encoding = field_text(data, "encoding");
	long n;

	if (!json_is_string(text))
		return bad("output without data", e);
	event->bytes = json_string_value(text);
	event->len = json_string_length(text);
	if (strcmp(encoding, "utf8") == 0)
		return 0;
	if (strcmp(encoding, "base64") != 0)
		return bad("an encoding that is not known", e);
	event->decoded = mem_alloc(event->len / 4 * 3 + 1);
	n = base64_read(event->bytes, event->len, event->decoded);
	if (n < 0)
		return bad("no base64", e);
	event->bytes = event->decoded;
	event->len = (size_t)n;
	return 0;
}

static uint64_t number(const json_t *data, const char *name)
{
	const json_int_t n = json_integer_value(json_object_get(data, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* What it holds, but for its bytes. */
static int read_fields(struct event *event, struct err *e)
{
	const json_t *const data = json_object_get(event->value, "data");

	event->kind = kind_of(field_text(event->value, "event"));
	event->id = field_text(event->value, "id");
	/* It becomes a part of the next request. */
	if (strlen(event->id) >= EVENT_ID_MAX || strspn(event->id, "0123456789.") != strlen(event->id))
		return bad("no id", e);
	event->state = field_text(data, "state");
	event->stream = field_text(data, "stream");
	event->from = number(data, "from");
	event->to = number(data, "to");
	return event->kind == EVENT_STDOUT || event->kind == EVENT_STDERR ? read_bytes(data, event, e) : 0;
}

int event_read(const char *line, size_t len, struct event *out, struct err *e)
{
	OWN(event) event = EVENT_NONE;

	event.value = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json_is_object(event.value))
		return bad("no JSON object", e);
	if (read_fields(&event, e) < 0)
		return -1;
	*out = TAKE(event, EVENT_NONE);
	return 0;
}
