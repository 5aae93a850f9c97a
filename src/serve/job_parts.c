/* Texts with a grammar: names, paths, digests, moments. A path is data until the box writes it, and has one
 * spelling: what could climb, hide or draw on a terminal is refused here. */
#include "serve/job_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "serve/base64.h"

#define PARTS_MAX    16
#define ENV_NAME_MAX 128
#define ENV_MAX      ((size_t)32 << 10)

static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

bool job_name_is_valid(const char *name)
{
	const size_t len = strlen(name);

	return len >= 1 && len <= JOB_NAME_MAX && strspn(name, name_bytes) == len;
}

int job_part_name(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char **const out = into;

	if (fields_text(r, at, value, 1, JOB_NAME_MAX, out) < 0)
		return -1;
	return job_name_is_valid(*out) ? 0 : fields_fault(r, at, "invalid_value", "may have letters, digits, '.', '_' and '-' alone");
}

static const char *find_path_fault(const char *path)
{
	size_t parts = 0;

	if (*path == '/')
		return "must be relative";
	if (!clean_is(path, strlen(path)))
		return "may have no control bytes";
	for (const char *part = path; part; parts++) {
		const char *const end = strchrnul(part, '/');
		const size_t len = (size_t)(end - part);

		if (!len)
			return "may have no empty part, nor end with '/'";
		if (!strncmp(part, "..", len) && len <= 2)
			return "may have no part \".\" or \"..\"";
		part = *end ? end + 1 : NULL;
	}
	return parts > PARTS_MAX ? "may have 16 parts at most" : NULL;
}

int job_part_path(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char **const out = into;
	const char *fault;

	if (fields_text(r, at, value, 1, JOB_PATH_MAX, out) < 0)
		return -1;
	fault = find_path_fault(*out);
	return fault ? fields_fault(r, at, "invalid_value", "%s", fault) : 0;
}

int job_part_pattern(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char **const out = into;

	if (job_part_path(r, at, value, into) < 0)
		return -1;
	return strpbrk(*out, "[]\\") ? fields_fault(r, at, "invalid_value", "knows * and ? alone, no '[', ']' or '\\'") : 0;
}

int job_part_argument(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return fields_text(r, at, value, 0, JOB_ARG_MAX, into);
}

static int read_text(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_bytes *const bytes = into;

	if (fields_text(r, at, value, 0, JOB_DOCUMENT_MAX, &bytes->at) < 0)
		return -1;
	if (bytes->source != JOB_EMPTY)
		return fields_fault(r, at, "invalid_value", "only one of text, base64, blob and live may be there");
	bytes->source = JOB_BYTES;
	bytes->len = json_string_length(value);
	return 0;
}

static int read_base64(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_bytes *const bytes = into;
	char *out;
	long n;

	if (read_text(r, at, value, into) < 0)
		return -1;
	out = arena_alloc(r->arena, bytes->len / 4 * 3 + 1);
	n = base64_read(bytes->at, bytes->len, out);
	if (n < 0)
		return fields_fault(r, at, "invalid_value", "is no base64 (RFC 4648, with padding, without line breaks)");
	bytes->at = out;
	bytes->len = (size_t)n;
	return 0;
}

static int read_blob(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_bytes *const bytes = into;
	const char *const text = json_string_value(value);
	struct digest digest;

	if (bytes->source != JOB_EMPTY)
		return fields_fault(r, at, "invalid_value", "only one of text, base64, blob and live may be there");
	if (!text || strncmp(text, "sha256:", 7) || !digest_read(text + 7, strlen(text + 7), &digest))
		return fields_fault(r, at, "invalid_value", "must be \"sha256:\" and 64 lower-case hexadecimal digits");
	bytes->source = JOB_BLOB;
	memcpy(bytes->blob, text + 7, JOB_DIGEST + 1);
	return 0;
}

static int read_live(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_bytes *const bytes = into;

	if (!json_is_true(value) || bytes->source != JOB_EMPTY)
		return fields_fault(r, at, "invalid_value", "must be true, and stand alone");
	bytes->source = JOB_LIVE;
	return 0;
}

static const struct field byte_fields[] = {
	{ "text", read_text },
	{ "base64", read_base64 },
	{ "blob", read_blob },
	{ "live", read_live },
};

int job_part_bytes(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return fields_read(r, at, value, byte_fields, ARRAY_SIZE(byte_fields) - 1, into);
}

int job_part_input(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return fields_read(r, at, value, byte_fields, ARRAY_SIZE(byte_fields), into);
}

static bool is_env_name(const char *name)
{
	const size_t len = strlen(name);

	return len >= 1 && len <= ENV_NAME_MAX && !(*name >= '0' && *name <= '9') &&
	       strspn(name, name_bytes) == len && !strpbrk(name, ".-");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct job_pair *)a)->name, ((const struct job_pair *)b)->name);
}

int job_part_pairs(struct reading *r, const struct pointer *at, json_t *value, bool is_env, struct job_pair **out, size_t *n)
{
	const size_t count = json_object_size(value), most = is_env ? JOB_ENV : JOB_LABELS;
	struct job_pair *const pairs = arena_alloc(r->arena, (count + 1) * sizeof(*pairs));
	size_t filled = 0;
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return fields_fault(r, at, "invalid_value", "must be an object");
	if (count > most)
		return fields_fault(r, at, "invalid_value", "may have %zu members at most", most);
	json_object_foreach (value, key, item) {
		const struct pointer inside = { at, key, 0 };

		if (!(is_env ? is_env_name(key) : job_name_is_valid(key)))
			return fields_fault(r, &inside, "invalid_value", "is no name: letters, digits and '_'%s", is_env ? "" : ", '.' and '-'");
		pairs[filled].name = arena_copy(r->arena, key, strlen(key));
		if (fields_text(r, &inside, item, 0, is_env ? ENV_MAX : JOB_LABEL_MAX, &pairs[filled].value) < 0)
			return -1;
		if (!is_env && !clean_is(pairs[filled].value, strlen(pairs[filled].value)))
			return fields_fault(r, &inside, "invalid_value", "may have no control bytes");
		filled++;
	}
	qsort(pairs, filled, sizeof(*pairs), by_name);
	*out = pairs;
	*n = filled;
	return 0;
}

int job_part_paths_fit(struct reading *r, const struct pointer *at, const struct job_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t len = strlen(files[i].path);

		for (size_t k = 0; k < n; k++) {
			const struct pointer inside = { at, NULL, k };
			const struct pointer path = { &inside, "path", 0 };

			if (k != i && !strncmp(files[i].path, files[k].path, len) && (files[k].path[len] == '/' || (k > i && !files[k].path[len])))
				return fields_fault(r, &path, "invalid_value", "the same path is there already, as a file");
		}
	}
	return 0;
}

/* Digits of a fixed number of places, or -1. */
static int digits(const char **text, int places)
{
	int n = 0;

	for (int i = 0; i < places; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		n = n * 10 + (**text - '0');
	}
	return n;
}

static bool skip(const char **text, char c)
{
	const bool is_there = **text == c;

	*text += is_there;
	return is_there;
}

/* "2026-11-21T18:00:00.250Z" and "2026-11-21T18:00:00+01:00": RFC 3339 section 5.6, "T" and "Z" in capitals. */
/* timegm(3) makes the first of March of a thirtieth of February. Of a leap second it may make the next day: without. */
static bool is_day(const struct tm *tm)
{
	struct tm day = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };

	(void)timegm(&day);
	return day.tm_mday == tm->tm_mday;
}

bool job_moment_read(const char *text, int64_t *out_ms)
{
	struct tm tm = { .tm_year = digits(&text, 4) - 1900 };
	int fraction = 0, offset = 0;

	if (tm.tm_year < 70 || !skip(&text, '-') || (tm.tm_mon = digits(&text, 2) - 1) < 0 || tm.tm_mon > 11 || !skip(&text, '-') ||
	    (tm.tm_mday = digits(&text, 2)) < 1 || !is_day(&tm) || !skip(&text, 'T') || (tm.tm_hour = digits(&text, 2)) < 0 ||
	    tm.tm_hour > 23 || !skip(&text, ':') || (tm.tm_min = digits(&text, 2)) < 0 || tm.tm_min > 59 || !skip(&text, ':') ||
	    (tm.tm_sec = digits(&text, 2)) < 0 || tm.tm_sec > 60)
		return false;
	if (skip(&text, '.') && (fraction = digits(&text, 3)) < 0)
		return false;
	if (!skip(&text, 'Z')) {
		const int sign = *text == '-' ? -1 : 1;
		int hours, minutes;

		if ((!skip(&text, '+') && !skip(&text, '-')) || (hours = digits(&text, 2)) < 0 || hours > 23 || !skip(&text, ':') ||
		    (minutes = digits(&text, 2)) < 0 || minutes > 59)
			return false;
		offset = sign * (hours * 60 + minutes) * 60;
	}
	*out_ms = ((int64_t)timegm(&tm) - offset) * 1000 + fraction;
	return !*text;
}

int job_part_deadline(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	int64_t *const out = into;

	return json_is_string(value) && job_moment_read(json_string_value(value), out) && *out > 0 ? 0 :
	       fields_fault(r, at, "invalid_value", "is no moment, as in \"2026-11-21T18:00:00Z\"");
}

int job_part_side(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_window *const window = into;
	uint64_t n = 0;

	if (fields_number(r, at, value, 1, JOB_SIDE_MAX, &n) < 0)
		return -1;
	*(strcmp(at->key, "rows") == 0 ? &window->rows : &window->cols) = (uint16_t)n;
	return 0;
}

int job_part_window(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = { { "rows", job_part_side }, { "cols", job_part_side } };

	return fields_read(r, at, value, fields, ARRAY_SIZE(fields), into);
}
