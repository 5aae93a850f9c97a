/* Makes images out of packages, and looks whether they still are what was made. Runs Debian's own tools. */
#pragma once

#include "base/err.h"
#include "model/image.h"

struct image_wish {
	const char *store, *name;       /* the directory store/name is made */
	const char *packages, *suite;   /* suite: NULL, the host's own */
	enum image_format format;
};

/* Makes it whole or not at all. Packages come from where the host's apt gets its own.
 *
 * Errors: ERR_UNSUPPORTED, naming the tool and its package; ERR_CONFLICT when it is there; ERR_SYSTEM, with what the
 * tool said last */
MUST_USE int image_build(const struct image_wish *wish, struct arena *arena, struct image *out, struct err *e);

/* The digest of what lies there now: of the file, or of the tree as an archive of tar, sorted, without times and owners. */
MUST_USE int image_digest(const char *directory, enum image_format format, struct arena *arena, const char **out, struct err *e);
