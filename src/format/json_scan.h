/* JSON (RFC 8259) piece by piece, each with its place. Keeps nothing but the piece in hand, so what a
 * caller does not want costs no memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/policy_tree.h"

#define JSON_SCAN_DEPTH 512

enum json_event {
	JSON_EVENT_OBJECT, JSON_EVENT_ARRAY, JSON_EVENT_CLOSE, JSON_EVENT_KEY, JSON_EVENT_STRING,
	JSON_EVENT_LITERAL,     /* a number, true, false: as spelled */
	JSON_EVENT_NULL,
	JSON_EVENT_END          /* of the document; again and again */
};

/* Set with json_scan_init(). */
struct json_scan {
	const char *name;       /* of the file, for errors; borrowed */
	const char *at, *end;
	struct place here;      /* of `at` */
	struct place began;     /* where the last event began */
	char *text;             /* of KEY, STRING, LITERAL: decoded, terminated; until the next event */
	size_t len, cap;
	unsigned depth;         /* open objects and arrays */
	uint8_t wanted;
	uint64_t arrays[JSON_SCAN_DEPTH / 64];
};

/* text  borrowed; a byte order mark is passed over */
void json_scan_init(struct json_scan *scan, const char *name, const char *text, size_t len);
void json_scan_done(struct json_scan *scan);

/* Errors: ERR_USAGE for what is not JSON, ERR_LIMIT when it is nested too deep; with file, line, column */
MUST_USE int json_scan_next(struct json_scan *scan, enum json_event *event, struct err *e);

/* Passes over the value that comes next, whatever it is. */
MUST_USE int json_scan_skip(struct json_scan *scan, struct err *e);
