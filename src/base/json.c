/* Writes JSON. Refuses to nest deeper than JSON_DEPTH and to pass on bytes that are not clean
 * UTF-8. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_done(struct json *json)
{
	str_done(&json->out);
	*json = JSON_NONE;
}

const char *json_written(const struct json *json)
{
	return str_text(&json->out);
}

/* What must not stand in a string as it is, in JSON or on a terminal; NULL = pass it on. */
static const char *escaped(const unsigned char *p, size_t len, char out[8])
{
	static const char short_for[] = "b\bf\fn\nr\rt\t";
	const unsigned c = len == 2 && *p == 0xc2 ? p[1] : *p;

	if (!len)
		return "\\ufffd";
	if (len == 1 && (c == '"' || c == '\\')) {
		memcpy(out, (const char[]){ '\\', (char)c, '\0' }, 3);
		return out;
	}
	for (size_t i = 0; i + 1 < sizeof(short_for) && len == 1; i += 2)
		if (short_for[i + 1] == (char)c) {
			memcpy(out, (const char[]){ '\\', short_for[i], '\0' }, 3);
			return out;
		}
	if ((len == 1 && (c < 0x20 || c == 0x7f)) || (len == 2 && *p == 0xc2 && c < 0xa0)) {
		static const char hex[] = "0123456789abcdef";

		memcpy(out, (const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], '\0' },
		       7);
		return out;
	}
	return NULL;
}

static void quote(struct str *out, const char *text, size_t len)
{
	size_t done = 0;

	str_add(out, "\"");
	for (size_t i = 0; i < len;) {
		const unsigned char *const p = (const unsigned char *)text + i;
		const size_t n = str_utf8(text + i, len - i);
		char buffer[8];
		const char *const instead = escaped(p, n, buffer);

		if (instead) {
			str_add_bytes(out, text + done, i - done);
			str_add(out, instead);
			done = i + (n ? n : 1);
		}
		i += n ? n : 1;
	}
	str_add_bytes(out, text + done, len - done);
	str_add(out, "\"");
}

/* The comma and the name that come before a value. */
static void begin(struct json *json, const char *key)
{
	if (!json->depth) {
		assert(!key);
		return;
	}
	assert(json->is_array[json->depth - 1] == !key);
	if (json->has_member[json->depth - 1])
		str_add(&json->out, ",");
	json->has_member[json->depth - 1] = true;
	if (key) {
		quote(&json->out, key, strlen(key));
		str_add(&json->out, ":");
	}
}

static void open_one(struct json *json, const char *key, bool is_array)
{
	begin(json, key);
	assert(json->depth < JSON_DEPTH);
	json->is_array[json->depth] = is_array;
	json->has_member[json->depth] = false;
	json->depth++;
	str_add(&json->out, is_array ? "[" : "{");
}

void json_put_object(struct json *json, const char *key)
{
	open_one(json, key, false);
}

void json_put_array(struct json *json, const char *key)
{
	open_one(json, key, true);
}

void json_put_end(struct json *json)
{
	assert(json->depth);
	json->depth--;
	str_add(&json->out, json->is_array[json->depth] ? "]" : "}");
}

void json_put_bytes(struct json *json, const char *key, const char *text, size_t len)
{
	begin(json, key);
	quote(&json->out, text, len);
}

void json_put_text(struct json *json, const char *key, const char *text)
{
	if (text)
		json_put_bytes(json, key, text, strlen(text));
	else
		json_put_null(json, key);
}

void json_put_raw(struct json *json, const char *key, const char *text, size_t len)
{
	begin(json, key);
	str_add_bytes(&json->out, text, len);
}

void json_put_u64(struct json *json, const char *key, uint64_t n)
{
	begin(json, key);
	str_addf(&json->out, "%" PRIu64, n);
}

void json_put_i64(struct json *json, const char *key, int64_t n)
{
	begin(json, key);
	str_addf(&json->out, "%" PRId64, n);
}

void json_put_bool(struct json *json, const char *key, bool is_true)
{
	begin(json, key);
	str_add(&json->out, is_true ? "true" : "false");
}

void json_put_null(struct json *json, const char *key)
{
	begin(json, key);
	str_add(&json->out, "null");
}

void json_put_line(struct json *json)
{
	str_add(&json->out, "\n");
}
