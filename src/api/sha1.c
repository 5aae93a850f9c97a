/* Two blocks at most: what RFC 6455 section 4.2.2 hashes has 60 bytes. */
#include "api/sha1.h"

#include <assert.h>
#include <string.h>

static uint32_t turn(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void add_block(uint32_t state[5], const uint8_t *block)
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (int t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (int t = 16; t < 80; t++)
		w[t] = turn(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (int t = 0; t < 80; t++) {
		const uint32_t f = t < 20 ? (b & c) | (~b & d) : t < 40 || t >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
		const uint32_t k = t < 20 ? 0x5a827999 : t < 40 ? 0x6ed9eba1 : t < 60 ? 0x8f1bbcdc : 0xca62c1d6;
		const uint32_t next = turn(a, 5) + f + e + w[t] + k;

		e = d;
		d = c;
		c = turn(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void sha1_of(const void *bytes, size_t len, uint8_t out[SHA1_BYTES])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t padded[128] = { 0 };
	const size_t total = len < 56 ? 64 : 128;

	assert(len <= SHA1_MAX);
	memcpy(padded, bytes, len);
	padded[len] = 0x80;
	padded[total - 2] = (uint8_t)(len * 8 >> 8);
	padded[total - 1] = (uint8_t)(len * 8);
	for (size_t at = 0; at < total; at += 64)
		add_block(state, padded + at);
	for (size_t i = 0; i < SHA1_BYTES; i++)
		out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
