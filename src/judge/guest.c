/* The boundaries with an engine, and who makes their guests. */
#include "judge/guest.h"

#include <string.h>

#include "base/mem.h"

static const struct guest_kind kinds[] = {
	{ "wasm", CLAIM_WASM, GROUP_WASM, guest_make_wasm },
	{ "js", CLAIM_JS, GROUP_JS, guest_make_js },
};

const struct guest_kind *guest_kind_find(const char *boundary)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].boundary, boundary) == 0)
			return &kinds[i];
	return NULL;
}
