/* nettle's, which uses the processor's own instructions where it has them. */
#include "base/sha256.h"

#include "base/hex.h"

void sha256_init(struct sha256 *hash)
{
	nettle_sha256_init(&hash->own);
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t len)
{
	if (len) /* bytes may be NULL */
		nettle_sha256_update(&hash->own, len, bytes);
}

void sha256_add_number(struct sha256 *hash, uint64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
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
	struct digest digest;

	nettle_sha256_digest(&last.own, sizeof(digest.bytes), digest.bytes);
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
