/* V8 as C sees it: one isolate, one context, one module in it. The only header of C++, and it throws
 * nothing. V8 is a compiler for hostile input: whoever calls this is confined already. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The module's memory as it is now; base NULL: it has none. Valid until guest code runs again. */
struct engine_memory {
	uint8_t *base;
	uint64_t len;
};

/* A function that a module may import. */
struct engine_import {
	const char *words;      /* a letter a parameter: 'i' 32 bits, 'I' 64 bits; at most ENGINE_WORDS */
	uint32_t (*call)(void *at, const void *what, const uint64_t *words, struct engine_memory memory);
	const void *what;
};
#define ENGINE_WORDS 16

/* Where imports are found; false: there is none of that name. */
struct engine_host {
	bool (*find)(void *at, const char *module, const char *name, struct engine_import *out);
	void *at;
};

/* One sentence of why something failed; bytes of the guest may be in it. */
struct engine_why {
	char text[320];
};

struct engine;

/* Once in a process. The isolate is there afterwards, and every file that V8 wants has been read.
 *
 * memory_pages  the largest memory of a module, in pages of 64 KiB
 * stack_bytes   of this thread, for the guest */
struct engine *engine_start(uint64_t memory_pages, size_t stack_bytes);

/* Compiles, binds the imports and instantiates, which runs the module's start function. Bytes and host are
 * borrowed as long as the engine. false with why: not a module, an import that is not there, a trap. */
bool engine_load(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		 struct engine_why *why);

/* Is a function of that name exported? */
bool engine_has(struct engine *engine, const char *name);

/* Calls an exported function without arguments. false with why: it trapped. */
bool engine_call(struct engine *engine, const char *name, struct engine_why *why);

#ifdef __cplusplus
}
#endif
