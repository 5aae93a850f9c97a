/* What our reader takes for a module is one without its names as well, with the same functions; and no byte of a name
 * is in the C text that goes with it. */
#include <stdint.h>
#include <string.h>

#include "plugin/admit.h"
#include "plugin/glue.h"
#include "require.h"
#include "wasm/bare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t count_functions(const struct wasm_module *module)
{
	size_t n = 0;

	for (size_t i = 0; i < module->n_exports; i++)
		n += module->exports[i].kind == WASM_FUNCTION;
	return n;
}

static void require_text(const struct wasm_module *module)
{
	OWN(str) glue = STR_NONE;

	glue_write(module, &glue);
	for (const char *p = str_text(&glue); *p; p++)
		require_that((*p >= ' ' && *p <= '~') || *p == '\n' || *p == '\t');
	require_that(!strstr(str_text(&glue), "*/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest manifest = { .name = "x", .sha256 = sha256_of(data, len) };
	OWN(arena) arena = { .blocks = NULL };
	OWN(admission) admission = ADMISSION_NONE;
	OWN(str) bare = STR_NONE;
	struct wasm_module module, again;
	struct err e = ERR_INIT;

	manifest.limits[PLUGIN_MEMORY] = 256 * 65536;
	if (sections_read(data, len, &arena, &module, &e) < 0)
		return 0;
	require_that(bare_write(data, len, &module, &bare, &e) == 0);
	require_that(sections_read((const uint8_t *)str_text(&bare), bare.len, &arena, &again, &e) == 0);
	require_that(again.n_imports == module.n_imports && count_functions(&again) == count_functions(&module));
	admit_module(&manifest, data, len, &admission);
	if (!admission.n_refused)
		require_text(&module);
	return 0;
}
