/* Writes control characters out. Refuses to know terminals: what they obey is not guessed, but left out as a whole. */
#include "base/tame.h"

#include <stdint.h>
#include <string.h>

static uint32_t decode(const char *text, size_t len)
{
	static const uint8_t first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = (uint8_t)text[0] & first[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((uint8_t)text[i] & 0x3f);
	return code;
}

/* C1; what turns the direction of the text around it (Unicode 15, Bidi_Control); what people do not see and programs
 * that read for them do: tags, selectors of variants, characters without a width. Joiners stay: emoji are made of them. */
static bool is_hidden(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} rows[] = {
		{ 0x80, 0x9f },     { 0x61c, 0x61c },   { 0x200b, 0x200b },   { 0x200e, 0x200f }, { 0x202a, 0x202e },
		{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (code >= rows[i].first && code <= rows[i].last)
			return true;
	return false;
}

static void put(const char *text, size_t len, struct str *out)
{
	const uint32_t code = decode(text, len);

	if (code < 0x20 || code == 0x7f)
		str_addf(out, "^%c", (int)(code ^ 0x40));
	else if (is_hidden(code))
		str_addf(out, "<U+%04X>", (unsigned)code);
	else
		str_add_bytes(out, text, len);
}

/* How long a character that begins so is, 0: nothing begins so. */
static size_t promised(uint8_t byte)
{
	return byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

/* True when the bytes may still become a character, once more come. */
static bool is_begun(const char *text, size_t left)
{
	if (promised((uint8_t)*text) <= left)
		return false;
	for (size_t i = 1; i < left; i++)
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Returns how many bytes were taken; fewer than len only when the rest is the beginning of a character. */
static size_t add(const char *bytes, size_t len, const char *plain, struct str *out)
{
	size_t at = 0;

	while (at < len) {
		const size_t n = str_utf8(bytes + at, len - at);

		if (!n && is_begun(bytes + at, len - at))
			break;
		if (n == 1 && bytes[at] && strchr(plain, bytes[at]))
			str_add_bytes(out, bytes + at, 1);
		else if (n)
			put(bytes + at, n, out);
		else
			str_addf(out, "\\x%02x", (uint8_t)bytes[at]);
		at += n ? n : 1;
	}
	return at;
}

void tame_add(struct tame *tame, const char *bytes, size_t len, struct str *out)
{
	size_t done;

	/* A character that came in two pieces is put together byte by byte. */
	while (tame->n && len) {
		tame->held[tame->n++] = *bytes++;
		len--;
		done = add(tame->held, tame->n, "\n\t", out);
		memmove(tame->held, tame->held + done, tame->n - done);
		tame->n -= done;
	}
	done = add(bytes, len, "\n\t", out);
	memcpy(tame->held + tame->n, bytes + done, len - done);
	tame->n += len - done;
}

void tame_end(struct tame *tame, struct str *out)
{
	for (size_t i = 0; i < tame->n; i++)
		str_addf(out, "\\x%02x", (uint8_t)tame->held[i]);
	tame->n = 0;
}

void tame_line(const char *text, struct str *out)
{
	struct tame rest = { .n = strlen(text) - add(text, strlen(text), "", out) };

	memcpy(rest.held, text + strlen(text) - rest.n, rest.n);
	tame_end(&rest, out);
}
