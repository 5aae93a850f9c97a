/* One loop over members for reading and one for writing, each with its own stack: no recursion on what a tenant sent. */
#include "serve/job_json.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/job.h"

/* Of a byte in a text: STOP is looked at by itself, the others stand for themselves. */
enum { STOP, PLAIN, HIGH };
static const uint8_t kinds[256] = {
	[0x20 ... '"' - 1] = PLAIN, ['"' + 1 ... '\\' - 1] = PLAIN, ['\\' + 1 ... 0x7f] = PLAIN, [0x80 ... 0xff] = HIGH,
};

#define DIGITS_MAX 18   /* that many always fit */

struct scan {
	const char *at, *end;
	json_t *open[JOB_DEPTH];        /* borrowed from the outermost */
	size_t depth, left;             /* left: values that it may still have */
	bool is_first;                  /* of what is open innermost */
	struct str key, text;           /* where escapes are decoded */
};

static char peek(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static bool skip(struct scan *scan, char c)
{
	const bool is_there = scan->at < scan->end && *scan->at == c;

	scan->at += is_there;
	return is_there;
}

static char skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
		scan->at++;
	return peek(scan);
}

/* -- texts -- */

/* Four hexadecimal digits; 0 for others. */
static unsigned read_code(const char *digits)
{
	unsigned code = 0;

	for (size_t i = 0; i < 4; i++) {
		const char c = digits[i];
		const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (value < 0)
			return 0;
		code = code << 4 | (unsigned)value;
	}
	return code;
}

static void add_code(struct str *out, unsigned code)
{
	const char one[] = { (char)code };
	const char two[] = { (char)(0xc0 | code >> 6), (char)(0x80 | (code & 0x3f)) };
	const char three[] = { (char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3f)), (char)(0x80 | (code & 0x3f)) };
	const char four[] = { (char)(0xf0 | code >> 18), (char)(0x80 | (code >> 12 & 0x3f)), (char)(0x80 | (code >> 6 & 0x3f)),
			      (char)(0x80 | (code & 0x3f)) };

	if (code < 0x80)
		str_add_bytes(out, one, sizeof(one));
	else if (code < 0x800)
		str_add_bytes(out, two, sizeof(two));
	else if (code < 0x10000)
		str_add_bytes(out, three, sizeof(three));
	else
		str_add_bytes(out, four, sizeof(four));
}

/* Behind "\\u": one that is no character by itself is the first of two (RFC 8259 section 7). Returns its bytes, 0. */
static size_t take_code(const char *at, size_t left, struct str *out)
{
	const unsigned first = left < 4 ? 0 : read_code(at), code = first & 0x3ff;
	unsigned second;

	if (first < 0xd800 || first > 0xdfff) {
		if (first)
			add_code(out, first);
		return first ? 4 : 0;
	}
	if (first > 0xdbff || left < 10 || at[4] != '\\' || at[5] != 'u')
		return 0;
	second = read_code(at + 6);
	if (second < 0xdc00 || second > 0xdfff)
		return 0;
	add_code(out, 0x10000 + (code << 10 | (second & 0x3ff)));
	return 10;
}

static const char escaped[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

/* Behind the backslash. */
static bool take_escape(struct scan *scan, struct str *out)
{
	const size_t left = (size_t)(scan->end - scan->at);
	const char *const known = left ? memchr(escaped, *scan->at, sizeof(escaped) - 1) : NULL;
	size_t n;

	if (known) {
		str_add_bytes(out, &meant[known - escaped], 1);
		scan->at++;
		return true;
	}
	n = left && *scan->at == 'u' ? take_code(scan->at + 1, left - 1, out) : 0;
	scan->at += n ? n + 1 : 0;
	return n;
}

/* Behind the first quote. What it gives lies in the document, or in `own` where something was escaped. */
static bool take_text(struct scan *scan, struct str *own, const char **text, size_t *len)
{
	const char *from = scan->at;

	own->len = 0;
	for (;;) {
		while (scan->at < scan->end && kinds[(uint8_t)*scan->at] == PLAIN)
			scan->at++;
		if (skip(scan, '"'))
			break;
		if (kinds[(uint8_t)peek(scan)] == HIGH) {
			const size_t n = str_utf8(scan->at, (size_t)(scan->end - scan->at));

			scan->at += n;
			if (!n)
				return false;
			continue;
		}
		str_add_bytes(own, from, (size_t)(scan->at - from));
		if (!skip(scan, '\\') || !take_escape(scan, own))
			return false;
		from = scan->at;
	}
	*len = (size_t)(scan->at - 1 - from);
	if (!own->len) {
		*text = from;
		return true;
	}
	str_add_bytes(own, from, *len);
	*text = str_text(own);
	*len = own->len;
	return !own->cut;
}

/* -- other values -- */

static bool is_word(struct scan *scan, const char *word, size_t len)
{
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

/* Whole numbers; what has more to it jansson reads, alone. */
static json_t *take_number(struct scan *scan)
{
	const char *const from = scan->at;
	const bool is_negative = skip(scan, '-');
	const char *const digits = scan->at;
	json_int_t n = 0;
	size_t len;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' && scan->at - digits < DIGITS_MAX)
		n = n * 10 + (*scan->at++ - '0');
	len = (size_t)(scan->at - digits);
	if (len && (len == 1 || *digits != '0') && !memchr("0123456789.eE", peek(scan), 13))
		return json_integer(is_negative ? -n : n);
	while (scan->at < scan->end && memchr("0123456789.eE+-", *scan->at, 15))
		scan->at++;
	return json_loadb(from, (size_t)(scan->at - from), JSON_DECODE_ANY, NULL);
}

static json_t *take_value(struct scan *scan)
{
	const char *text;
	size_t len;

	if (!scan->left--)
		return NULL;
	if (skip(scan, '"'))
		return take_text(scan, &scan->text, &text, &len) ? json_stringn_nocheck(text, len) : NULL;
	if (skip(scan, '{'))
		return json_object();
	if (skip(scan, '['))
		return json_array();
	if (is_word(scan, "true", 4))
		return json_true();
	if (is_word(scan, "false", 5))
		return json_false();
	return is_word(scan, "null", 4) ? json_null() : take_number(scan);
}

/* -- members -- */

static bool open_it(struct scan *scan, json_t *value)
{
	scan->is_first = json_is_object(value) || json_is_array(value);
	if (!scan->is_first)
		return true;
	if (scan->depth == JOB_DEPTH)
		return false;
	scan->open[scan->depth++] = value;
	return true;
}

static bool take_member(struct scan *scan, json_t *object)
{
	const char *key;
	json_t *value;
	size_t len;

	if (!skip(scan, '"') || !take_text(scan, &scan->key, &key, &len))
		return false;
	skip_blanks(scan);
	if (!skip(scan, ':') || json_object_getn(object, key, len))
		return false;
	skip_blanks(scan);
	value = take_value(scan);
	/* It takes the value also when it fails. */
	return value && json_object_setn_new_nocheck(object, key, len, value) == 0 && open_it(scan, value);
}

static bool take_element(struct scan *scan, json_t *array)
{
	json_t *const value = take_value(scan);

	return value && json_array_append_new(array, value) == 0 && open_it(scan, value);
}

/* One member of what is open innermost, or its end. */
static bool take_next(struct scan *scan)
{
	json_t *const inside = scan->open[scan->depth - 1];
	const bool is_object = json_is_object(inside);

	skip_blanks(scan);
	if (skip(scan, is_object ? '}' : ']')) {
		scan->depth--;
		scan->is_first = false;
		return true;
	}
	if (!scan->is_first && !skip(scan, ','))
		return false;
	skip_blanks(scan);
	return is_object ? take_member(scan, inside) : take_element(scan, inside);
}

json_t *job_json_read(const char *text, size_t len, size_t most, struct job_json_end *ended)
{
	struct scan scan = { .at = text, .end = text + len, .left = most, .key = { .max = STR_MAX }, .text = { .max = STR_MAX } };
	const char first = skip_blanks(&scan);
	json_t *const root = first == '{' || first == '[' ? take_value(&scan) : NULL;
	bool is_known = root && open_it(&scan, root);

	while (is_known && scan.depth)
		is_known = take_next(&scan);
	skip_blanks(&scan);
	str_done(&scan.key);
	str_done(&scan.text);
	if (is_known && scan.at == scan.end)
		return root;
	json_decref(root);
	*ended = (struct job_json_end){ (size_t)(scan.at - text), scan.left == SIZE_MAX };
	return NULL;
}

/* -- writing -- */

static void put_text(struct str *out, const char *text, size_t len)
{
	size_t from = 0;

	str_add_bytes(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const char *known;

		if (kinds[(uint8_t)text[i]] != STOP)
			continue;
		str_add_bytes(out, text + from, i - from);
		from = i + 1;
		known = memchr(meant, text[i], sizeof(meant) - 1);
		if (known)
			str_addf(out, "\\%c", escaped[known - meant]);
		else
			str_addf(out, "\\u%04X", (unsigned)(uint8_t)text[i]);
	}
	str_add_bytes(out, text + from, len - from);
	str_add_bytes(out, "\"", 1);
}

/* One that is written to its end: a list of members, by name where there are names. */
struct level {
	json_t *value;
	struct member {
		const char *key;
		size_t len;
		json_t *value;
	} *members;
	size_t n, at;
};

static int by_key(const void *a, const void *b)
{
	const struct member *const x = a, *const y = b;
	const int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void begin(struct level *level, json_t *value, struct str *out)
{
	const size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);
	const char *key;
	json_t *member;
	size_t len;

	*level = (struct level){ .value = value, .members = mem_alloc((n + 1) * sizeof(*level->members)) };
	if (json_is_object(value)) {
		json_object_keylen_foreach (value, key, len, member)
			level->members[level->n++] = (struct member){ key, len, member };
		qsort(level->members, level->n, sizeof(*level->members), by_key);
	}
	for (; level->n < n; level->n++)
		level->members[level->n].value = json_array_get(value, level->n);
	str_add(out, json_is_object(value) ? "{" : "[");
}

static void put_scalar(struct str *out, const json_t *value)
{
	char number[64];

	if (json_is_string(value))
		put_text(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		str_add_bytes(out, number, json_dumpb(value, number, sizeof(number), JSON_ENCODE_ANY));
	else
		str_add(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
}

/* Returns what is to be begun below it, NULL when it was written. */
static json_t *put_member(struct level *level, struct str *out)
{
	const struct member *const member = &level->members[level->at];

	if (level->at++)
		str_add(out, ",");
	if (member->key) {
		put_text(out, member->key, member->len);
		str_add(out, ":");
	}
	if (json_is_object(member->value) || json_is_array(member->value))
		return member->value;
	put_scalar(out, member->value);
	return NULL;
}

void job_json_write(json_t *root, struct str *out)
{
	struct level levels[JOB_DEPTH];
	size_t depth = 0;

	begin(&levels[depth++], root, out);
	while (depth) {
		struct level *const level = &levels[depth - 1];
		json_t *const below = level->at < level->n ? put_member(level, out) : NULL;

		if (below) {
			assert(depth < JOB_DEPTH);
			begin(&levels[depth++], below, out);
		} else if (level->at == level->n) {
			str_add(out, json_is_object(level->value) ? "}" : "]");
			free(level->members);
			depth--;
		}
	}
}
