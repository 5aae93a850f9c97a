/* The log: one JSON object a line on standard error, or the same as text for people or as datagrams for journald. Every byte of a client's is escaped; no secret is ever given to it.
 * A reader that does not read makes lines go, not the service wait: the next line says how many. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"

enum log_form { LOG_JSON, LOG_TEXT, LOG_JOURNAL };
struct log {
	int fd;
	uint64_t lost;
	enum log_form form;
	bool colour;
	int journal_fd;                 /* connected, of LOG_JOURNAL */
};

/* Before the jail, which makes no socket. form  "json", "text" or "journal"
 *
 * Errors: ERR_USAGE; ERR_SYSTEM: journald does not listen */
MUST_USE int log_open(struct log *log, const char *form, struct err *e);

/* Begins a line: the caller adds members and calls log_end(). event  a constant word */
void log_begin(struct json *json, const char *level, const char *event);
void log_end(struct log *log, struct json *json);

/* A line of one sentence. */
void log_say(struct log *log, const char *level, const char *event, const char *text);

/* A member "2026-11-21T18:00:00.250Z"; 0 ms: none, as it did not happen. */
void log_put_moment(struct json *json, const char *key, uint64_t wall_ms);
