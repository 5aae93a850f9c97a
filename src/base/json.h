/* Writes JSON (RFC 8259), compact, into a buffer of its own. It does not read JSON. The names begin
 * with json_put because jansson, which does, has taken json_object and its like. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define JSON_DEPTH 16

/* All zero is the empty writer. */
struct json {
	struct str out;         /* out.max bounds it: a cut document is not valid, see out.cut */
	uint32_t depth;
	bool is_array[JSON_DEPTH], has_member[JSON_DEPTH];
};
#define JSON_NONE ((struct json){ .depth = 0 })

void json_done(struct json *json);

/* The document so far, terminated; borrowed until the next call. */
const char *json_written(const struct json *json);

/* Each adds one value. `key` names it inside an object and is NULL in an array or at the top.
 *
 * text  any bytes: quote, backslash, control bytes (C0, DEL, C1) are escaped; each byte that is not
 *       valid UTF-8 becomes U+FFFD, so a hostile file name cannot break the line or the terminal
 * NULL text is written as null */
void json_put_object(struct json *json, const char *key);
void json_put_array(struct json *json, const char *key);
void json_put_end(struct json *json);
void json_put_text(struct json *json, const char *key, const char *text);
void json_put_bytes(struct json *json, const char *key, const char *text, size_t len);
/* A value that is JSON already, on one line; the caller answers for that. */
void json_put_raw(struct json *json, const char *key, const char *text, size_t len);
void json_put_u64(struct json *json, const char *key, uint64_t n);
void json_put_i64(struct json *json, const char *key, int64_t n);
void json_put_bool(struct json *json, const char *key, bool is_true);
void json_put_null(struct json *json, const char *key);

/* A line break: after a document of JSON lines, so that the next one may follow, or before an element of a
 * long array, for people. */
void json_put_line(struct json *json);
