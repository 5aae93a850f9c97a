/* Any bytes are either the note of an image or an error in one line. What was read is written as it was. */
#include <stdint.h>
#include <string.h>

#include "model/image.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) text = STR_NONE;
	struct image image, again;
	struct err e = ERR_INIT;

	if (image_read("fuzz", (const char *)data, len, &arena, &image, &e) < 0) {
		require_error(&e);
		return 0;
	}
	require_that(image_packages_are_good(image.packages) && image_name_is_good(image.suite));
	image_write(&image, &text);
	require_that(image_read("again", str_text(&text), text.len, &arena, &again, &e) == 0);
	require_that(again.format == image.format && again.bytes == image.bytes);
	require_that(!strcmp(again.digest, image.digest) && !strcmp(again.packages, image.packages));
	return 0;
}
