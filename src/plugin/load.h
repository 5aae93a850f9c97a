/* A manifest and the module it names, from their files into memory, once: what was judged is what runs. */
#pragma once

#include "plugin/manifest.h"
#include "wasm/sections.h"

#define LOAD_MODULE_BYTES ((size_t)64 << 20)

struct load {
	struct manifest manifest;
	const char *path;               /* of the module, in the manifest's arena */
	uint8_t *module;
	size_t len;
	struct wasm_module says;        /* all zero when the module cannot be read; its arena is the manifest's */
};
void load_done(struct load *load);

/* Reads both. The module's name is relative to the manifest's directory.
 *
 * Errors: ERR_MISSING, ERR_USAGE (also for what is no regular file), ERR_LIMIT, ERR_SYSTEM; a module that is none is
 * no error here */
MUST_USE int load_plugin(const char *manifest, struct load *out, struct err *e);
