/* The two hashes of RFC 2104 section 2, for keys that are shorter than a block. */
#include "api/hmac.h"

#include <string.h>

#define BLOCK 64

struct digest hmac_sha256(const uint8_t key[HMAC_KEY], const void *bytes, size_t len)
{
	uint8_t inner[BLOCK] = { 0 }, outer[BLOCK] = { 0 };
	struct sha256 hash;
	struct digest digest;

	memcpy(inner, key, HMAC_KEY);
	memcpy(outer, key, HMAC_KEY);
	for (size_t i = 0; i < BLOCK; i++) {
		inner[i] ^= 0x36;
		outer[i] ^= 0x5c;
	}
	sha256_init(&hash);
	sha256_add(&hash, inner, BLOCK);
	sha256_add(&hash, bytes, len);
	digest = sha256_end(&hash);
	sha256_init(&hash);
	sha256_add(&hash, outer, BLOCK);
	sha256_add(&hash, digest.bytes, sizeof(digest.bytes));
	return sha256_end(&hash);
}
