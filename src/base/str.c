/* Builds text within a bound and measures how far two names are apart. Refuses to grow past `max`.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_BYTES 4096
#define NEAR_BYTES   48 /* longer names are no typing slip */

void str_done(struct str *str)
{
	free(str->at);
	*str = STR_NONE;
}

const char *str_text(const struct str *str)
{
	return str->at ? str->at : "";
}

void str_add_bytes(struct str *str, const char *bytes, size_t n)
{
	const size_t max = str->max ? str->max : STR_MAX;

	if (n > max - str->len) {
		n = max - str->len;
		str->cut = true;
	}
	if (!n)
		return;
	str->at = mem_grow(str->at, &str->cap, str->len + n + 1, 1);
	memcpy(str->at + str->len, bytes, n);
	str->len += n;
	str->at[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_add_bytes(str, text, strlen(text));
}

void str_addf(struct str *str, const char *format, ...)
{
	NO_INIT char text[FORMAT_BYTES];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		return;
	str->cut |= (size_t)len >= sizeof(text);
	str_add(str, text);
}

void str_pad(struct str *str, size_t column)
{
	const char *const last = str->at ? memrchr(str->at, '\n', str->len) : NULL;
	const size_t start = last ? (size_t)(last - str->at) + 1 : 0;

	do
		str_add_bytes(str, " ", 1);
	while (str->len - start < column && !str->cut);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* a_len and b_len are at most NEAR_BYTES. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned d[NEAR_BYTES + 1][NEAR_BYTES + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++)
		for (size_t j = 1; j <= b_len; j++) {
			const unsigned other = a[i - 1] != b[j - 1];

			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + other);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1, -1U);
		}
	return d[a_len][b_len];
}

void str_near_offer(struct str_near *near, const char *name)
{
	const size_t a_len = strnlen(near->wanted, NEAR_BYTES + 1), b_len = strlen(name);
	unsigned apart;

	if (a_len > NEAR_BYTES || b_len > NEAR_BYTES)
		return;
	apart = distance(near->wanted, a_len, name, b_len);
	if (apart < near->distance) {
		near->distance = apart;
		near->best = name;
	}
}

const char *str_near_best(const struct str_near *near)
{
	/* One slip in three letters is still a slip; "cpu" for "pids" is not. */
	const bool is_close = near->best && near->distance * 3 <= strlen(near->best) + 1;

	return is_close ? near->best : NULL;
}

size_t str_utf8(const char *text, size_t left)
{
	const unsigned char *const p = (const unsigned char *)text;
	static const struct {
		unsigned char first, last, second_low, second_high, len;
	} rows[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (*p < rows[i].first || *p > rows[i].last)
			continue;
		if (rows[i].len == 1)
			return 1;
		if (left < rows[i].len || p[1] < rows[i].second_low || p[1] > rows[i].second_high)
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

bool str_is_utf8(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = text[i] ? str_utf8(text + i, len - i) : 0;
		if (!n)
			return false;
	}
	return true;
}
