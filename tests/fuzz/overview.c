/* Any answer of a service may be shown: nothing in it moves a terminal's cursor or makes the page larger than asked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "remote/overview.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *const value = json_loadb((const char *)data, len, JSON_DECODE_ANY, NULL);
	const struct overview_page page = { .overview = value, .jobs = value, .width = 80, .height = 24 };
	OWN(str) out = STR_NONE;
	unsigned lines = 0;

	overview_show(&page, &out);
	for (const char *line = str_text(&out); *line; line += strcspn(line, "\n") + 1, lines++)
		if (!clean_is(line, strcspn(line, "\n")))
			abort();
	if (lines > 24)
		abort();
	json_decref(value);
	return 0;
}
