/* Range and Content-Range (RFC 9110 section 14): one range of bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum range_outcome {
	RANGE_WHOLE,            /* no header, or one that the RFC lets a server ignore: other units, several ranges */
	RANGE_PART,             /* first..last of size */
	RANGE_UNSATISFIABLE
};
/* header  NULL: none
 * *first, *last  both within the bytes, for RANGE_PART alone */
enum range_outcome range_read(const char *header, uint64_t size, uint64_t *first, uint64_t *last);

/* "bytes 0-1023/4096", and "bytes *" "/4096", which asks how much is there: *asks. False for anything else. */
struct range_put {
	bool asks;
	uint64_t first, last, total;
};
bool range_read_put(const char *header, struct range_put *out);
