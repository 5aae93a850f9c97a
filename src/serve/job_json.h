/* JSON in long strides: texts are passed over and copied as a whole, where jansson takes and gives them byte by byte. It takes
 * what jansson takes, up to a number of values, and has no words for faults: it says where it ended. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* What json_loadb(JSON_REJECT_DUPLICATES) makes of an object or array of at most JOB_DEPTH levels and `most` values; the
 * caller's json_decref(). NULL: *ended is where it is none, or has too many. */
struct job_json_end {
	size_t at;              /* bytes from the beginning */
	bool is_full;
};
json_t *job_json_read(const char *text, size_t len, size_t most, struct job_json_end *ended);

/* What json_dumps(JSON_COMPACT | JSON_SORT_KEYS) writes of such a value. */
void job_json_write(json_t *root, struct str *out);
