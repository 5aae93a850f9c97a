/* Random bytes and their signature. The comparison takes as long for a wrong one as for a right one. */
#include "api/mcp_session.h"

#include <string.h>
#include <sys/random.h>

#include "base/hex.h"

#define HALF 16
_Static_assert(4 * HALF + 1 == MCP_SESSION, "bytes and signature in hexadecimal digits");

static struct digest sign(const uint8_t key[HMAC_KEY], const char *public, const uint8_t random[HALF])
{
	struct {
		char what[24], public[16];
		uint8_t random[HALF];
	} bytes = { .what = "ward mcp session 1" };

	strncpy(bytes.public, public, sizeof(bytes.public) - 1);
	memcpy(bytes.random, random, HALF);
	return hmac_sha256(key, &bytes, sizeof(bytes));
}

int mcp_session_make(const uint8_t key[HMAC_KEY], const char *public, char out[MCP_SESSION], struct err *e)
{
	uint8_t random[HALF];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "random bytes for a session");
	const struct digest mac = sign(key, public, random);

	hex_write(random, HALF, out);
	hex_write(mac.bytes, HALF, out + 2 * HALF);
	return 0;
}

bool mcp_session_is(const uint8_t key[HMAC_KEY], const char *public, const char *text)
{
	uint8_t bytes[2 * HALF], differs = 0;

	if (!hex_read(text, strlen(text), bytes, sizeof(bytes)))
		return false;
	const struct digest mac = sign(key, public, bytes);

	for (size_t i = 0; i < HALF; i++)
		differs |= bytes[HALF + i] ^ mac.bytes[i];
	return !differs;
}
