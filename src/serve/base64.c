/* Base64 (RFC 4648 section 4). */
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

/* One more than a digit stands for; 0 for what is none. */
static const uint8_t digits[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static uint32_t word_of(const uint8_t *text, bool *is_fine)
{
	const uint32_t a = digits[text[0]], b = digits[text[1]], c = digits[text[2]], d = digits[text[3]];

	*is_fine &= a && b && c && d;
	return (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
}

static void put(uint8_t *to, uint32_t word, size_t n)
{
	for (size_t k = 0; k < n; k++)
		to[k] = (uint8_t)(word >> (16 - 8 * k));
}

/* Up to two of its digits may be padding: the bits that no byte has must be zero. Returns its bytes, -1. */
static long read_last(const uint8_t *text, uint8_t *to)
{
	const size_t pads = (text[3] == '=') + (size_t)(text[3] == '=' && text[2] == '=');
	const uint8_t full[4] = { text[0], text[1], pads == 2 ? 'A' : text[2], pads ? 'A' : text[3] };
	bool is_fine = true;
	const uint32_t word = word_of(full, &is_fine);

	if (!is_fine || (word & ((1u << 8 * pads) - 1)))
		return -1;
	put(to, word, 3 - pads);
	return (long)(3 - pads);
}

long base64_read(const char *text, size_t len, void *out)
{
	const uint8_t *const from = (const uint8_t *)text;
	uint8_t *to = out;
	bool is_fine = true;
	long last;

	if (len % 4)
		return -1;
	if (!len)
		return 0;
	for (size_t i = 0; i + 4 < len; i += 4, to += 3)
		put(to, word_of(from + i, &is_fine), 3);
	last = read_last(from + len - 4, to);
	return is_fine && last >= 0 ? (long)(len / 4 - 1) * 3 + last : -1;
}
