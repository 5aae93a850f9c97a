/* Any bytes are either the file of a benchmark or an error in one line. What was read is written as it was. */
#include <stdint.h>
#include <string.h>

#include "judge/figures.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(figures) figures = { .host = NULL };
	OWN(figures) again = { .host = NULL };
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	if (figures_read("fuzz", (const char *)data, len, &figures, &e) < 0) {
		require_error(&e);
		require_that(!figures.arena.blocks && !figures.host);
		return 0;
	}
	figures_json(&figures, &text);
	require_that(figures_read("again", str_text(&text), text.len, &again, &e) == 0);
	require_that(memcmp(&again.spawn, &figures.spawn, sizeof(figures.spawn)) == 0);
	require_that(memcmp(again.boundaries, figures.boundaries, sizeof(figures.boundaries)) == 0);
	require_that(strcmp(again.host, figures.host) == 0);
	return 0;
}
