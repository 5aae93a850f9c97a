/* The seam between an engine and what a module is given. Those who give (WASI, the plug-in host) know this header
 * and no engine; an engine implements it and knows neither. Each worker program links one engine. An engine is a
 * compiler for hostile input: whoever calls it is confined already. */
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
	char result;            /* the same letters, or '\0': none */
	/* False ends the guest's call at once, in a way that the guest cannot catch; engine_call() then fails. */
	bool (*call)(void *at, const void *what, const uint64_t *words, struct engine_memory memory, uint64_t *result);
	const void *what;
	bool is_short;          /* it costs no more than the way to it: as of all with many_calls */
};
#define ENGINE_WORDS 10

/* Where imports are found; false: there is none of that name. */
struct engine_host {
	bool (*find)(void *at, const char *module, const char *name, struct engine_import *out);
	void *at;               /* for find() and for every call */
};

/* One sentence of why something failed; bytes of the guest may be in it. */
struct engine_why {
	char text[320];
};

struct engine;

struct engine_setup {
	uint64_t memory_pages;  /* the largest memory of a module, in pages of 64 KiB */
	size_t stack_bytes;     /* of this thread, for the guest */
	bool whole;             /* all of a module is compiled when it is loaded, for many instances; else each function
				 * when it is first called */
	bool many_calls;        /* of the host's functions: what makes each cheaper is worth some 20 us an import */
	bool no_signals;        /* addresses are compared instead of caught: for a process that handles no signal */
	int memory_code;        /* the process exits with it when there is no more memory; 0 = it says so and aborts */
};

/* Once in a process. Every file that the engine wants has been read afterwards, and it may be forked. */
struct engine *engine_start(const struct engine_setup *setup);

/* Compiles, binds the imports and instantiates, which runs the module's start function. Bytes and host are
 * borrowed as long as the engine. false with why: not a module, an import that is not there, a trap. */
bool engine_load(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		 struct engine_why *why);

/* The same without an instance, which engine_renew() then makes: no code of the module runs. */
bool engine_compile(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		    struct engine_why *why);

/* A new instance of the module that was loaded in place of the one before: nothing that guest code has written
 * is in it. Runs the start function. */
bool engine_renew(struct engine *engine, struct engine_why *why);

/* Lets go of the instance and its memory; the module stays for engine_renew(). */
void engine_forget(struct engine *engine);

/* Is a function of that name exported? */
bool engine_has(struct engine *engine, const char *name);

/* Calls an exported function with n words of 32 bits.
 *
 * result  of 32 or 64 bits; 0 when it has none; may be NULL
 * false with why: it trapped, or was stopped. */
bool engine_call(struct engine *engine, const char *name, const uint32_t *words, size_t n, uint64_t *result,
		 struct engine_why *why);

/* The memory of the instance. */
struct engine_memory engine_memory_of(struct engine *engine);

/* Ends the guest's code that is running: engine_call(), engine_load() or engine_renew() then fails. May be called
 * from a signal handler of the same thread; does nothing when no guest code runs. */
void engine_interrupt(struct engine *engine);

#ifdef __cplusplus
}
#endif
