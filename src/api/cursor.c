/* Place and signature, one after the other. The comparison takes as long for a wrong signature as for a right one. */
#include "api/cursor.h"

#include <string.h>

#include "base/hex.h"

#define MAC 16

struct payload {
	uint64_t created_ms;
	uint8_t id[16];
};
_Static_assert(2 * (sizeof(struct payload) + MAC) + 1 == CURSOR_TEXT, "place and signature in hexadecimal digits");

static struct digest sign(const uint8_t key[HMAC_KEY], uint64_t tenant, const struct digest *filter,
			  const struct payload *payload)
{
	struct {
		char what[16];
		uint64_t tenant;
		struct digest filter;
		struct payload payload;
	} signed_bytes = { "ward cursor 1", tenant, *filter, *payload };

	return hmac_sha256(key, &signed_bytes, sizeof(signed_bytes));
}

void cursor_write(const uint8_t key[HMAC_KEY], uint64_t tenant, const struct digest *filter, const struct store_place *place,
		  char out[CURSOR_TEXT])
{
	struct payload payload = { .created_ms = place->created_ms };
	struct digest mac;

	memcpy(payload.id, place->id.bytes, sizeof(payload.id));
	mac = sign(key, tenant, filter, &payload);
	hex_write((const uint8_t *)&payload, sizeof(payload), out);
	hex_write(mac.bytes, MAC, out + 2 * sizeof(payload));
}

bool cursor_read(const uint8_t key[HMAC_KEY], uint64_t tenant, const struct digest *filter, const char *text,
		 struct store_place *out)
{
	struct payload payload;
	uint8_t bytes[sizeof(payload) + MAC], differs = 0;
	struct digest mac;

	if (!hex_read(text, strlen(text), bytes, sizeof(bytes)))
		return false;
	memcpy(&payload, bytes, sizeof(payload));
	mac = sign(key, tenant, filter, &payload);
	for (size_t i = 0; i < MAC; i++)
		differs |= bytes[sizeof(payload) + i] ^ mac.bytes[i];
	if (differs)
		return false;
	out->created_ms = payload.created_ms;
	memcpy(out->id.bytes, payload.id, sizeof(payload.id));
	return true;
}
