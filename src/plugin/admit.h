/* Is a module what its manifest lets it be? Looks at imports, exports and memory, decides what is refused, and says
 * what each function of the embedder would let out. Pure. */
#pragma once

#include "base/str.h"
#include "plugin/manifest.h"
#include "wasm/sections.h"

struct admission {
	struct str refused;     /* a line a reason; empty: the module may run */
	struct str warnings;    /* a line a function that widens the sandbox */
	size_t n_refused, n_warnings;
	size_t n_unexplained;   /* warnings of functions that the manifest gives no reason for */
};
#define ADMISSION_NONE ((struct admission){ .n_refused = 0 })
void admission_done(struct admission *admission);

/* Judges the bytes of a module. */
void admit_module(const struct manifest *manifest, const uint8_t *bytes, size_t len, struct admission *out);

/* What one function of an embedder lets in and out: "ward: WARNING: ..."; false when it does not widen. */
bool admit_warn(const struct manifest *manifest, const char *name, enum plugin_class declared, struct str *out);

/* True when the module exports a function that a host may call: () or (i32, i32) -> i64. */
bool admit_callable(const struct wasm_export *export);
