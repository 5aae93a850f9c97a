/* Where images are, and what a policy's `image` stands for. */
#pragma once

#include "base/err.h"
#include "model/image.h"

#define IMAGE_TREE "root"       /* of an unpacked image, in the directory of its name */
#define IMAGE_NOTE "image.json"

/* The i-th directory of images, the user's own before the host's; NULL past the end. In the arena. */
const char *image_store_at(size_t i, struct arena *arena);

/* The directory of an image: a name is looked for in the stores, what has a '/' is a path.
 *
 * Errors: ERR_MISSING, naming the places and how to build one */
MUST_USE int image_store_find(const char *word, struct arena *arena, const char **out, struct err *e);

/* What stands in its image.json.
 * Errors: those of image_read(); ERR_MISSING when there is none */
MUST_USE int image_store_read(const char *directory, struct arena *arena, struct image *out, struct err *e);

/* The tree that `read: image` shows, of a policy's `image`: that of an unpacked image, or the directory itself.
 *
 * Errors: ERR_UNSUPPORTED, with the fix, for an image that is a file: nothing here mounts */
MUST_USE int image_store_tree(const char *word, struct arena *arena, const char **out, struct err *e);
