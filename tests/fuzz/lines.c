/* Fuzz: bytes cut anywhere are the same lines, none is longer than it may be, and none holds a line's end. */
#include "remote/lines.h"

#include <stdint.h>
#include <string.h>

#include "require.h"

#define LONGEST 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void note(void *at, const char *line, size_t len)
{
	require_that(len <= LONGEST && (!line || !memchr(line, '\n', len)));
	str_add_bytes(at, line ? "[" : "!", 1);
	str_add_bytes(at, line ? line : "", len);
}

static void read_all(const char *bytes, size_t n, size_t step, struct str *out)
{
	OWN(lines) lines = { .max = LONGEST };

	for (size_t at = 0; at < n; at += step)
		lines_add(&lines, bytes + at, n - at < step ? n - at : step, note, out);
	lines_end(&lines, note, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	OWN(str) whole = STR_NONE, pieces = STR_NONE;

	read_all((const char *)bytes, n, n + 1, &whole);
	read_all((const char *)bytes, n, n % 7 + 1, &pieces);
	require_that(whole.len == pieces.len && memcmp(str_text(&whole), str_text(&pieces), whole.len) == 0);
	return 0;
}
