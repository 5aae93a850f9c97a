/* Any bytes are either a record or an error in one line. What was read is written and read again the same,
 * and merging it with itself stays within the bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_that(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN_MEM struct record * record = mem_alloc(sizeof(*record)), *again = mem_alloc(sizeof(*again));
	OWN(json) first = JSON_NONE, second = JSON_NONE;
	struct err e = ERR_INIT;

	if (record_read("fuzz", (const char *)data, len, record, &e) < 0) {
		require_that(e.kind == ERR_USAGE || e.kind == ERR_LIMIT);
		require_that(!strchr(e.text, '\n') && !record->arena.blocks);
		return 0;
	}
	record_write(record, &first);
	require_that(!first.out.cut);
	require_that(record_read("again", first.out.at, first.out.len, again, &e) == 0);
	record_write(again, &second);
	require_that(!strcmp(json_written(&first), json_written(&second)));
	record_merge(record, again);
	require_that(record->n_files <= RECORD_FILES && record->n_hosts <= RECORD_HOSTS);
	record_done(record);
	record_done(again);
	return 0;
}
