/* What the boxes of the service show of this host: the middle of a policy. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "model/host.h"
#include "serve/order.h"

#define SERVE_ENGINE_INSIDE "/ward-v8"

/* An image that a runtime's programs come from, looked at once: that it is still what was built. */
struct serve_image {
	const char *word;               /* as the configuration has it; NULL: none was looked at */
	const char *directory, *tree;
	const char *digest;             /* 64 hexadecimal digits; NULL: it cannot be used, and why */
	struct err why;
};
void serve_image_look(const char *word, struct serve_image *image, struct arena *arena);

/* Lines of a policy's `files`, in the arena: the host's programs for those that are run by the kernel; for an engine
 * nothing but it and the libraries it starts with, and directories without programs.
 *
 * image  its programs instead of the host's; NULL = the host's */
const char *serve_files(enum order_park park, const struct host *host, const struct serve_image *image, struct arena *arena);
