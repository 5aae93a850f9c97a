/* Ids: time first, so that neighbours in time are neighbours in an index; the rest nobody guesses. */
#include "store/store.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/hex.h"
#include "base/loop.h"
#include "store/writer.h"

struct store_id id_new_at(uint64_t wall_ms)
{
	struct store_id id;

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(wall_ms >> (40 - 8 * i));
	/* Up to 256 bytes come whole once the pool is ready: getrandom(2). */
	if (getrandom(id.bytes + 6, sizeof(id.bytes) - 6, 0) != (ssize_t)sizeof(id.bytes) - 6)
		abort();
	return id;
}

struct store_id store_id_new(void)
{
	return id_new_at(loop_wall_ms());
}

void store_id_write(const struct store_id *id, char out[STORE_ID_TEXT])
{
	hex_write(id->bytes, sizeof(id->bytes), out);
}

bool store_id_read(const char *text, size_t len, struct store_id *out)
{
	return hex_read(text, len, out->bytes, sizeof(out->bytes));
}
