/* wasm/engine.h for the one module that this program was made of. It compiles nothing and reads no module: the bytes
 * that engine_load() is given are not looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/aot.h"

#define STACK_SPARE (512 * 1024)        /* for the host's functions, and for a signal */

struct engine aot;

bool wasm_rt_is_initialized(void)
{
	return true;
}

struct engine *engine_start(const struct engine_setup *setup)
{
	const uint8_t *const here = __builtin_frame_address(0);
	const size_t stack = setup->stack_bytes > 2 * STACK_SPARE ? setup->stack_bytes - STACK_SPARE : setup->stack_bytes / 2;

	/* 65,535: so many bytes are a number of 32 bits. */
	aot.memory_pages = setup->memory_pages < 65535 ? setup->memory_pages : 65535;
	aot.stack_floor = here - stack;
	aot_start_memory();
	aot_start_traps();
	return &aot;
}

/* Runs guest code until it ends, in whatever way. */
static bool run(bool (*code)(void *at), void *at, struct engine_why *why)
{
	why->text[0] = '\0';
	aot.why = why;
	aot.stopped = 0;
	aot.in_host = 0;
	if (__builtin_setjmp(aot.resume)) {
		if (!*aot.why->text)
			snprintf(aot.why->text, sizeof(aot.why->text), "stopped");
		return false;
	}
	aot.running = 1;
	const bool ok = code(at);
	aot.running = 0;
	return ok;
}

uint64_t module_ask(size_t number, const uint64_t *words)
{
	const struct engine_import *const import = &aot.imports[number];
	const uint8_t here = 0;
	uint64_t result = 0;

	/* The host's functions leave nothing half done when the stack ends. */
	if (&here < aot.stack_floor)
		wasm_rt_trap(WASM_RT_TRAP_EXHAUSTION);
	aot_enter_host();
	if (!import->call(aot.at, import->what, words, aot.memory, &result))
		aot_leave();
	aot_leave_host();
	return result;
}

bool engine_compile(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		    struct engine_why *why)
{
	(void)bytes;
	(void)len;
	module_prepare();
	engine->at = host->at;
	free(engine->imports);
	engine->imports = calloc(module_n_imports + 1, sizeof(*engine->imports));
	if (!engine->imports)
		abort();
	for (size_t i = 0; i < module_n_imports; i++) {
		const struct module_import *const wanted = &module_imports[i];
		struct engine_import *const found = &engine->imports[i];

		if (!host->find(host->at, wanted->module, wanted->name, found) ||
		    strcmp(found->words, wanted->words) != 0 || found->result != wanted->result) {
			snprintf(why->text, sizeof(why->text), "it imports the function %.80s.%.80s, which is not there for it",
				 wanted->module, wanted->name);
			return false;
		}
	}
	return true;
}

bool engine_load(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		 struct engine_why *why)
{
	return engine_compile(engine, bytes, len, host, why) && engine_renew(engine, why);
}

static bool instantiate(void *at)
{
	(void)at;
	module_instantiate();
	return true;
}

bool engine_renew(struct engine *engine, struct engine_why *why)
{
	engine_forget(engine);
	if (!run(instantiate, NULL, why))
		return false;
	engine->has_instance = true;
	engine->exported = module_memory();
	if (engine->exported)
		engine->memory = (struct engine_memory){ engine->exported->data, engine->exported->size };
	return true;
}

void engine_forget(struct engine *engine)
{
	engine->has_instance = false;
	aot_reset_memory();
	aot_reset_tables();
}

static const struct module_export *find_export(const char *name)
{
	for (size_t i = 0; i < module_n_exports; i++)
		if (strcmp(module_exports[i].name, name) == 0)
			return &module_exports[i];
	return NULL;
}

bool engine_has(struct engine *engine, const char *name)
{
	(void)engine;
	return find_export(name);
}

struct call {
	const struct module_export *export;
	const uint32_t *words;
	uint64_t result;
};

static bool call(void *at)
{
	struct call *const what = at;

	what->result = what->export->call(what->words);
	return true;
}

bool engine_call(struct engine *engine, const char *name, const uint32_t *words, size_t n, uint64_t *result,
		 struct engine_why *why)
{
	struct call what = { .export = find_export(name), .words = words };

	if (!engine->has_instance || !what.export || what.export->n != n) {
		snprintf(why->text, sizeof(why->text), "it exports no function %.80s that takes %zu words", name, n);
		return false;
	}
	if (!run(call, &what, why))
		return false;
	if (result)
		*result = what.result;
	return true;
}

struct engine_memory engine_memory_of(struct engine *engine)
{
	return engine->memory;
}
