/* Fuzz: any text as what a client sends beside a body: a range, a piece of an upload, the id of an event, a cursor, a
 * part of a URL. What is taken lies within its bounds, and an id is written again as it was read. */
#include <string.h>

#include "api/cursor.h"
#include "api/event_id.h"
#include "api/range.h"
#include "api/url.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look_at_ranges(const char *text)
{
	static const uint64_t sizes[] = { 0, 1, 10, 4096, UINT64_MAX >> 1 };
	struct range_put put;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t first = 0, last = 0;

		if (range_read(text, sizes[i], &first, &last) == RANGE_PART)
			require_that(first <= last && last < sizes[i]);
	}
	if (range_read_put(text, &put) && !put.asks)
		require_that(put.first <= put.last && put.last < put.total);
}

static void look_at_id(const char *text)
{
	struct event_id id, again;
	char written[EVENT_ID_TEXT];

	if (!event_id_read(text, &id))
		return;
	event_id_write(&id, written);
	require_that(event_id_read(written, &again) && !memcmp(&id, &again, sizeof(id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t key[HMAC_KEY] = "of the fuzzer";
	const struct digest filter = { { 0 } };
	OWN(arena) arena = { .total = 0 };
	const char *const text = arena_copy(&arena, (const char *)bytes, n), *decoded;
	struct store_place place;

	look_at_ranges(text);
	look_at_id(text);
	require_that(!cursor_read(key, 1, &filter, text, &place));
	decoded = url_decode(&arena, text, n);
	for (const char *c = decoded; c && *c; c++)
		require_that((unsigned char)*c >= 0x20 && *c != 0x7f);
	return 0;
}
