/* Any bytes are either a manifest within all bounds or an error in one line. */
#include <stdint.h>
#include <string.h>

#include "plugin/manifest.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(manifest) manifest = MANIFEST_NONE;
	struct err e = ERR_INIT;

	if (manifest_read("fuzz", (const char *)data, len, &manifest, &e) < 0) {
		require_error(&e);
		require_that(!manifest.name && !manifest.arena.blocks);
		return 0;
	}
	require_that(manifest_name_ok(manifest.name) && manifest_name_ok(manifest.space) && *manifest.module);
	require_that(manifest.limits[PLUGIN_MEMORY] >= 65536 && manifest.limits[PLUGIN_MEMORY] % 65536 == 0);
	require_that(manifest.limits[PLUGIN_BYTES] <= 64 << 20 && manifest.limits[PLUGIN_KEYS] <= 65536);
	for (size_t i = 0; i < manifest.n_functions; i++)
		require_that(manifest_function(&manifest, manifest.functions[i].name) == &manifest.functions[i]);
	return 0;
}
