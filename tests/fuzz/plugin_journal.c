/* Any bytes are either a journal or refused; what is one can be put on a shelf and comes back the same. */
#include <stdint.h>
#include <string.h>

#include "plugin/shelf.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_values(const struct shelf *shelf, const uint8_t *data, size_t len)
{
	struct journal_record record;
	size_t at = 0;

	while (journal_next(data, len, &at, &record) > 0) {
		uint32_t n = 0;
		const uint8_t *const value = shelf_get(shelf, record.key, record.key_len, &n);

		/* The last one of a key counts: a later record may have changed it. */
		require_that(at <= len && (!value || n <= len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct journal_bounds bounds = { .keys = 64, .bytes = 65536, .value = 65536, .log = 65536 };
	struct shelf shelf = { .n_entries = 0 };
	struct err e = ERR_INIT;
	uint8_t out[256];
	size_t at = 0;

	if (journal_check(data, len, &bounds, &e) < 0)
		require_error(&e);
	if (shelf_load(&shelf, &bounds, data, len)) {
		require_values(&shelf, data, len);
		require_that(shelf_settle(&shelf, out, sizeof(out), &at) && !at);
	}
	shelf_done(&shelf);
	return 0;
}
