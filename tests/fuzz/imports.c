/* Any bytes may be a module: what is found in them lies inside them, and a name is one that C can hold. */
#include <stdint.h>
#include <string.h>

#include "isolate/imports.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct source {
	const char *text;
	size_t len;
};

static void found(void *at, const char *specifier, size_t len)
{
	const struct source *const source = at;
	char name[IMPORTS_NAME_MAX];

	require_that(specifier >= source->text && specifier + len <= source->text + source->len);
	if (imports_resolve("/a/b.mjs", specifier, len, name)) {
		require_that(strlen(name) < sizeof(name));
		require_that(specifier[0] != '/' || !strstr(name, "/../"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct source source = { (const char *)data, len };

	(void)imports_scan(source.text, len, found, (void *)(uintptr_t)&source);
	return 0;
}
