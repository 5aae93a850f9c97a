/* Fuzz: any bytes as a document. What is read without jansson, jansson reads as the same value, and what is written of it
 * is what jansson writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "serve/job_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct job_json_end ended;
	json_t *const got = job_json_read((const char *)bytes, n, 1 << 20, &ended);
	OWN(str) text = STR_NONE;
	json_t *wanted;
	char *dumped;

	if (!got) {
		require_that(ended.at <= n);
		return 0;
	}
	wanted = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
	require_that(wanted && json_equal(got, wanted));
	dumped = json_dumps(wanted, JSON_COMPACT | JSON_SORT_KEYS);
	job_json_write(got, &text);
	require_that(dumped && strcmp(dumped, str_text(&text)) == 0);
	free(dumped);
	json_decref(wanted);
	json_decref(got);
	return 0;
}
