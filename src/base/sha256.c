/* FIPS 180-4, sections 4.1.2, 5.1.1 and 6.2, as it stands there. */
#include "base/sha256.h"

#include <string.h>

#include "base/hex.h"

/* Section 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t word_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void word_put(uint8_t *at, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void mix(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64], s[8];

	for (int i = 0; i < 16; i++)
		w[i] = word_at(block + 4 * i);
	for (int i = 16; i < 64; i++) {
		const uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < 64; i++) {
		const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		const uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		const uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + rounds[i] + w[i];
		const uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + most;

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += one;
		s[0] = one + two;
	}
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_init(struct sha256 *hash)
{
	/* Section 5.3.3. */
	*hash = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
					    0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	const size_t used = hash->len % sizeof(hash->block);

	if (!len)
		return; /* bytes may be NULL */
	hash->len += len;
	if (used) {
		const size_t room = sizeof(hash->block) - used, n = len < room ? len : room;

		memcpy(hash->block + used, at, n);
		if (n < room)
			return;
		mix(hash->state, hash->block);
		at += n;
		len -= n;
	}
	for (; len >= sizeof(hash->block); at += sizeof(hash->block), len -= sizeof(hash->block))
		mix(hash->state, at);
	if (len)
		memcpy(hash->block, at, len);
}

void sha256_add_number(struct sha256 *hash, uint64_t number)
{
	uint8_t bytes[8];

	word_put(bytes, (uint32_t)(number >> 32));
	word_put(bytes + 4, (uint32_t)number);
	sha256_add(hash, bytes, sizeof(bytes));
}

void sha256_add_field(struct sha256 *hash, const void *bytes, size_t len)
{
	sha256_add_number(hash, len);
	sha256_add(hash, bytes, len);
}

struct digest sha256_end(const struct sha256 *hash)
{
	struct sha256 last = *hash;
	uint8_t pad[72] = { 0x80 };
	const size_t used = hash->len % 64, n = (used < 56 ? 56 : 120) - used;
	struct digest digest;

	word_put(pad + n, (uint32_t)(hash->len >> 29));
	word_put(pad + n + 4, (uint32_t)(hash->len << 3));
	sha256_add(&last, pad, n + 8);
	for (int i = 0; i < 8; i++)
		word_put(digest.bytes + 4 * i, last.state[i]);
	return digest;
}

struct digest sha256_of(const void *bytes, size_t len)
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, bytes, len);
	return sha256_end(&hash);
}

bool digest_is(const struct digest *a, const struct digest *b)
{
	uint8_t differs = 0;

	for (size_t i = 0; i < sizeof(a->bytes); i++)
		differs |= a->bytes[i] ^ b->bytes[i];
	return !differs;
}

void digest_write(const struct digest *digest, char out[SHA256_TEXT])
{
	hex_write(digest->bytes, sizeof(digest->bytes), out);
}

bool digest_read(const char *text, size_t len, struct digest *out)
{
	return hex_read(text, len, out->bytes, sizeof(out->bytes));
}
