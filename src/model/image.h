/* What is written beside an image: how it was made, and what it must still be. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum image_format { IMAGE_DIR, IMAGE_SQUASHFS, IMAGE_EROFS, IMAGE_FORMATS };

/* Strings are in the arena. */
struct image {
	enum image_format format;
	const char *packages, *suite;   /* as they were asked for */
	const char *digest;             /* 64 hexadecimal digits: SHA-256 of the file, or of the tree as image_digest says */
	uint64_t bytes;
};

/* "dir", "squashfs", "erofs"; IMAGE_FORMATS when there is none of that name. */
const char *image_format_name(enum image_format format);
enum image_format image_format_find(const char *name);

/* A name of at most 64 letters, digits and "._+-", that begins with a letter or digit. */
bool image_name_is_good(const char *name);

/* The same for a list of packages between commas, each as Debian names them: Debian policy, section 5.6.1. */
bool image_packages_are_good(const char *list);

/* Both ways: image.json.
 *
 * Errors: ERR_USAGE, naming the file; ERR_LIMIT, ERR_UNSUPPORTED for another schema */
#define IMAGE_BYTES (64u << 10)
void image_write(const struct image *image, struct str *out);
MUST_USE int image_read(const char *name, const char *text, size_t len, struct arena *arena, struct image *out, struct err *e);
