/* SHA-256 (FIPS 180-4) of bytes that come in pieces. No secrets: time depends on the length alone, but
 * nothing is wiped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>
#undef sha256_init     /* nettle's short names are macros; this one is ours */

#define SHA256_BYTES 32
#define SHA256_TEXT  65         /* lower-case hexadecimal digits and the NUL */

struct sha256 {
	struct sha256_ctx own;
};

struct digest {
	uint8_t bytes[SHA256_BYTES];
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t len);
/* A number as 8 bytes, most significant first; and bytes with their length before them, so that two fields cannot pass
 * for one. */
void sha256_add_number(struct sha256 *hash, uint64_t number);
void sha256_add_field(struct sha256 *hash, const void *bytes, size_t len);
/* Takes the digest of all bytes so far; more may be added afterwards. */
struct digest sha256_end(const struct sha256 *hash);
struct digest sha256_of(const void *bytes, size_t len);

/* True when both are the same; takes as long when they are not. */
bool digest_is(const struct digest *a, const struct digest *b);

void digest_write(const struct digest *digest, char out[SHA256_TEXT]);
/* False when the text is not 64 lower-case hexadecimal digits. */
bool digest_read(const char *text, size_t len, struct digest *out);
