/* Any bytes are either a module's sections or an error in one line; what is refused leaves nothing behind, and what
 * is admitted imports nothing but the table's functions. */
#include <stdint.h>
#include <string.h>

#include "plugin/admit.h"
#include "plugin/functions.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_table(const struct wasm_module *module)
{
	for (size_t i = 0; i < module->n_imports; i++) {
		require_that(strcmp(module->imports[i].module, PLUGIN_MODULE) == 0);
		require_that(plugin_function_find(module->imports[i].name) < PLUGIN_FUNCTIONS);
	}
	require_that(!module->memory_is_shared && module->pages <= 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest manifest = { .name = "x", .sha256 = sha256_of(data, len) };
	OWN(arena) arena = { .blocks = NULL };
	OWN(admission) admission = ADMISSION_NONE;
	struct wasm_module module = { .pages = 12345 };
	struct err e = ERR_INIT;

	manifest.limits[PLUGIN_MEMORY] = 256 * 65536;
	admit_module(&manifest, data, len, &admission);
	for (const char *p = str_text(&admission.refused); *p; p++)
		require_that((unsigned char)*p >= 0x20 || *p == '\n');
	if (sections_read(data, len, &arena, &module, &e) < 0) {
		require_error(&e);
		require_that(module.pages == 12345 && admission.n_refused);
		return 0;
	}
	if (!admission.n_refused)
		require_table(&module);
	return 0;
}
