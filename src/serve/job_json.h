/* JSON in long strides: texts are passed over and copied as a whole, where jansson takes and gives them byte by byte. It
 * knows what documents usually are. Of anything else it says that it does not know, and jansson decides: so it takes
 * nothing that jansson refuses, and has no words for faults. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

/* What json_loadb(JSON_REJECT_DUPLICATES) makes of an object or array of at most JOB_DEPTH levels; the caller's
 * json_decref(). NULL: ask jansson. */
json_t *job_json_read(const char *text, size_t len);

/* What json_dumps(JSON_COMPACT | JSON_SORT_KEYS) writes of such a value. */
void job_json_write(json_t *root, struct str *out);
