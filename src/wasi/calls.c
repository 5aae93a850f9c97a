/* The calls as a table, for engines that bind imports by name. */
#include <string.h>

#include "base/mem.h"
#include "wasi/wasi.h"

#define CALL(name, parameters, arguments, words) \
	static uint32_t call_##name(struct wasi *w, const uint64_t *a) \
	{ \
		(void)a; \
		return wasi_##name arguments; \
	}
#include "wasi/calls.def"
#undef CALL

static const struct wasi_call calls[] = {
#define CALL(name, parameters, arguments, words) { #name, words, call_##name },
#include "wasi/calls.def"
#undef CALL
};

const struct wasi_call *wasi_call_at(uint32_t i)
{
	return i < ARRAY_SIZE(calls) ? &calls[i] : NULL;
}

const struct wasi_call *wasi_call_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	return NULL;
}
