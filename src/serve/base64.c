/* Base64, written and read without tables of states. */
#include "serve/base64.h"

#include <stdbool.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(const void *bytes, size_t n, char *out)
{
	const uint8_t *const in = bytes;

	for (size_t i = 0; i < n; i += 3, out += 4) {
		const uint32_t word = (uint32_t)in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);

		out[0] = alphabet[word >> 18];
		out[1] = alphabet[word >> 12 & 63];
		out[2] = i + 1 < n ? alphabet[word >> 6 & 63] : '=';
		out[3] = i + 2 < n ? alphabet[word & 63] : '=';
	}
	*out = '\0';
}

/* -1 for what is no digit. Ranges of ASCII: a search of the alphabet took as long as all else that a document costs. */
static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long base64_read(const char *text, size_t len, void *out)
{
	uint8_t *const to = out;
	size_t n = 0;

	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		const bool last = i + 4 == len;
		const unsigned pads = last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
		uint32_t word = 0;

		for (unsigned k = 0; k < 4; k++) {
			const int value = k < 4 - pads ? digit(text[i + k]) : 0;

			if (value < 0)
				return -1;
			word = word << 6 | (uint32_t)value;
		}
		if (word & ((1u << 8 * pads) - 1))
			return -1;
		for (unsigned k = 0; k < 3 - pads; k++)
			to[n++] = (uint8_t)(word >> (16 - 8 * k));
	}
	return (long)n;
}
