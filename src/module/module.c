/* Hands each call on, and ends with the guest. */
#include "module/module.h"

#include <string.h>

#include "wasi/abi.h"

static bool call_wasi(void *at, const void *what, const uint64_t *words, struct engine_memory memory, uint64_t *result)
{
	const struct wasi_call *const call = what;
	struct module *const module = at;

	module->wasi.memory = (struct wasi_memory){ .base = memory.base, .len = memory.len };
	*result = call->call(&module->wasi, words);
	/* Codes beyond a byte would lose their high bits, and 256 become success. */
	if (module->wasi.ended)
		module->exited(module->wasi.exit_code > 255 ? 255 : module->wasi.exit_code);
	return true;
}

static bool find_import(void *at, const char *space, const char *name, struct engine_import *out)
{
	const struct wasi_call *const call = wasi_call_find(name);

	(void)at;
	if (!call || strcmp(space, "wasi_snapshot_preview1") != 0)
		return false;
	*out = (struct engine_import){
		.words = call->words, .result = strcmp(name, "proc_exit") == 0 ? '\0' : 'i', .call = call_wasi, .what = call,
		/* The others end in the kernel. */
		.is_short = strncmp(name, "clock_", 6) == 0,
	};
	return true;
}

struct engine_host module_host(struct module *module)
{
	return (struct engine_host){ .find = find_import, .at = module };
}

uint32_t module_stream_rights(int number)
{
	return RIGHT_POLL_FD_READWRITE | RIGHT_FD_FILESTAT_GET | RIGHT_FD_FDSTAT_SET_FLAGS |
	       (number ? RIGHT_FD_WRITE : RIGHT_FD_READ);
}
