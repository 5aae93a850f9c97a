/* Reads JSON from the first byte to the last, once. Refuses everything RFC 8259 does not have. */
#include "format/json_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What may come next. */
enum wanted { VALUE, VALUE_OR_CLOSE, KEY, KEY_OR_CLOSE, COMMA_OR_CLOSE, NOTHING };

void json_scan_init(struct json_scan *scan, const char *name, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

	*scan = (struct json_scan){
		.name = name, .at = text + skip, .end = text + len, .here = { 1, 1 }, .wanted = VALUE,
	};
}

void json_scan_done(struct json_scan *scan)
{
	free(scan->text);
	*scan = (struct json_scan){ .name = scan->name };
}

static int fail(const struct json_scan *scan, struct place at, enum err_kind kind, const char *what,
		struct err *e)
{
	return err_set(e, kind, "%.100s:%" PRIu32 ":%" PRIu32 ": %s", scan->name, at.line, at.column, what);
}

static int fail_here(const struct json_scan *scan, const char *what, struct err *e)
{
	return fail(scan, scan->here, ERR_USAGE,
		    scan->at == scan->end ? "not JSON: it ends too early" : what, e);
}

static void step(struct json_scan *scan)
{
	if (*scan->at++ == '\n')
		scan->here = (struct place){ scan->here.line + 1, 1 };
	else
		scan->here.column += scan->at == scan->end || ((unsigned char)*scan->at & 0xc0) != 0x80;
}

static char peek(const struct json_scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static void pass_blanks(struct json_scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
		step(scan);
}

static void put(struct json_scan *scan, char c)
{
	scan->text = mem_grow(scan->text, &scan->cap, scan->len + 2, 1);
	scan->text[scan->len++] = c;
	scan->text[scan->len] = '\0';
}

/* UTF-8. */
static void put_point(struct json_scan *scan, uint32_t point)
{
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

	put(scan, (char)(lead[more] | point >> 6 * more));
	for (int i = more; i-- > 0;)
		put(scan, (char)(0x80 | (point >> 6 * i & 0x3f)));
}

static int read_hex(struct json_scan *scan, uint32_t *out, struct err *e)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (int i = 0; i < 4; i++) {
		const char c = (char)(peek(scan) | (peek(scan) >= 'A' ? 0x20 : 0));
		const char *const digit = c ? strchr(digits, c) : NULL;

		if (!digit)
			return fail_here(scan, "not JSON: \\u wants four hexadecimal digits", e);
		*out = *out << 4 | (uint32_t)(digit - digits);
		step(scan);
	}
	return 0;
}

/* Behind "\u". Half a pair becomes U+FFFD, as Go reads it. */
static int read_unicode(struct json_scan *scan, struct err *e)
{
	uint32_t point, low;

	if (read_hex(scan, &point, e) < 0)
		return -1;
	if (point >= 0xd800 && point < 0xdc00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' &&
	    scan->at[1] == 'u') {
		step(scan);
		step(scan);
		if (read_hex(scan, &low, e) < 0)
			return -1;
		if (low >= 0xdc00 && low < 0xe000)
			point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
	}
	put_point(scan, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
	return 0;
}

static int read_escape(struct json_scan *scan, struct err *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char c = peek(scan);
	const char *const found = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		step(scan);
		return read_unicode(scan, e);
	}
	if (!found)
		return fail_here(scan, "not JSON: unknown escape in a text", e);
	step(scan);
	put(scan, to[found - from]);
	return 0;
}

static int read_string(struct json_scan *scan, struct err *e)
{
	step(scan);
	while (scan->at < scan->end && *scan->at != '"') {
		const char c = *scan->at;

		if ((unsigned char)c < 0x20)
			return fail_here(scan, "not JSON: control byte in a text", e);
		step(scan);
		if (c == '\\' ? read_escape(scan, e) < 0 : (put(scan, c), false))
			return -1;
	}
	if (scan->at == scan->end)
		return fail_here(scan, "", e);
	step(scan);
	return 0;
}

static size_t put_digits(struct json_scan *scan)
{
	size_t n = 0;

	for (; peek(scan) >= '0' && peek(scan) <= '9'; n++) {
		put(scan, peek(scan));
		step(scan);
	}
	return n;
}

static bool put_one_of(struct json_scan *scan, const char *set)
{
	const char c = peek(scan);

	if (!c || !strchr(set, c))
		return false;
	put(scan, c);
	step(scan);
	return true;
}

static int read_number(struct json_scan *scan, struct err *e)
{
	bool is_good;

	put_one_of(scan, "-");
	is_good = peek(scan) == '0' ? put_one_of(scan, "0") : put_digits(scan) > 0;
	if (is_good && put_one_of(scan, "."))
		is_good = put_digits(scan) > 0;
	if (is_good && put_one_of(scan, "eE")) {
		put_one_of(scan, "+-");
		is_good = put_digits(scan) > 0;
	}
	return is_good ? 0 : fail_here(scan, "not JSON: broken number", e);
}

static int read_word(struct json_scan *scan, enum json_event *event, struct err *e)
{
	for (; peek(scan) >= 'a' && peek(scan) <= 'z' && scan->len < 6; step(scan))
		put(scan, peek(scan));
	*event = strcmp(scan->text, "null") == 0 ? JSON_EVENT_NULL : JSON_EVENT_LITERAL;
	if (*event == JSON_EVENT_NULL || strcmp(scan->text, "true") == 0 || strcmp(scan->text, "false") == 0)
		return 0;
	return scan->at == scan->end && !scan->len ? fail_here(scan, "", e) :
		fail(scan, scan->began, ERR_USAGE, "not JSON: a value is wanted here", e);
}

static int open_container(struct json_scan *scan, bool is_array, struct err *e)
{
	const uint64_t bit = UINT64_C(1) << scan->depth % 64;

	if (scan->depth == JSON_SCAN_DEPTH)
		return fail(scan, scan->here, ERR_LIMIT, "nested deeper than 512; nothing needs that", e);
	scan->arrays[scan->depth / 64] &= ~bit;
	scan->arrays[scan->depth++ / 64] |= is_array ? bit : 0;
	scan->wanted = is_array ? VALUE_OR_CLOSE : KEY_OR_CLOSE;
	step(scan);
	return 0;
}

static bool is_in_array(const struct json_scan *scan)
{
	return scan->arrays[(scan->depth - 1) / 64] >> (scan->depth - 1) % 64 & 1;
}

static void end_value(struct json_scan *scan)
{
	scan->wanted = scan->depth ? COMMA_OR_CLOSE : NOTHING;
}

static int read_value(struct json_scan *scan, enum json_event *event, struct err *e)
{
	const char c = peek(scan);
	int rc;

	if (c == '{' || c == '[') {
		*event = c == '{' ? JSON_EVENT_OBJECT : JSON_EVENT_ARRAY;
		return open_container(scan, c == '[', e);
	}
	*event = c == '"' ? JSON_EVENT_STRING : JSON_EVENT_LITERAL;
	if (c == '"')
		rc = read_string(scan, e);
	else if (c == '-' || (c >= '0' && c <= '9'))
		rc = read_number(scan, e);
	else
		rc = read_word(scan, event, e);
	if (rc == 0)
		end_value(scan);
	return rc;
}

static int read_key(struct json_scan *scan, enum json_event *event, struct err *e)
{
	if (peek(scan) != '"')
		return fail_here(scan, "not JSON: a key in quotes is wanted here", e);
	if (read_string(scan, e) < 0)
		return -1;
	pass_blanks(scan);
	if (peek(scan) != ':')
		return fail_here(scan, "not JSON: a ':' is wanted here", e);
	step(scan);
	*event = JSON_EVENT_KEY;
	scan->wanted = VALUE;
	return 0;
}

/* After a comma. */
static void want_more(struct json_scan *scan)
{
	step(scan);
	pass_blanks(scan);
	scan->began = scan->here;
	scan->wanted = is_in_array(scan) ? VALUE : KEY;
}

int json_scan_next(struct json_scan *scan, enum json_event *event, struct err *e)
{
	pass_blanks(scan);
	scan->began = scan->here;
	scan->len = 0;
	scan->text = mem_grow(scan->text, &scan->cap, 1, 1);
	*scan->text = '\0';
	if (scan->wanted == NOTHING) {
		*event = JSON_EVENT_END;
		return scan->at == scan->end ? 0 :
			fail_here(scan, "not JSON: something follows the end", e);
	}
	if (scan->wanted != VALUE && scan->wanted != KEY && peek(scan) == (is_in_array(scan) ? ']' : '}')) {
		step(scan);
		scan->depth--;
		end_value(scan);
		*event = JSON_EVENT_CLOSE;
		return 0;
	}
	if (scan->wanted == COMMA_OR_CLOSE) {
		if (peek(scan) != ',')
			return fail_here(scan, "not JSON: a ',' is wanted here, or the end of the list", e);
		want_more(scan);
	}
	if (scan->wanted == KEY || scan->wanted == KEY_OR_CLOSE)
		return read_key(scan, event, e);
	return read_value(scan, event, e);
}

int json_scan_skip(struct json_scan *scan, struct err *e)
{
	const unsigned depth = scan->depth;
	enum json_event event;

	do {
		if (json_scan_next(scan, &event, e) < 0)
			return -1;
	} while (scan->depth > depth || event == JSON_EVENT_KEY);
	return 0;
}
