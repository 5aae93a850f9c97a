/* JavaScript as C sees it: one isolate and one context for a guest, made before there is one. C++ behind it throws
 * nothing. V8 is a compiler for hostile input: whoever adds a source is confined already. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isolate/why.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the guest's few host functions come down to. */
struct js_host {
	void (*print)(void *at, bool is_error, const char *bytes, size_t len);
	/* The JSON text of ward.input; false: there is none. Borrowed until the next call. */
	bool (*input)(void *at, const char **json, size_t *len);
	void *at;
};

struct js_setup {
	bool jit;               /* machine code is made; false: no executable page is ever asked for */
	bool eval, wasm, shared_memory; /* false: not there */
	size_t stack_bytes;     /* of this thread, for the guest */
	struct js_host host;
};

enum js_kind { JS_SCRIPT, JS_MODULE, JS_JSON };

struct js;

/* Once in a process: V8, an isolate, a context, and whatever V8 would load later. Afterwards the process may be
 * forked. NULL: V8 could not make them. */
struct js *js_start(const struct js_setup *setup);

/* In the process of the guest: the heap it may have, and the exit code for when V8 gets no more memory. */
void js_begin(struct js *js, size_t heap_bytes, int memory_code);

/* Before its first source: all of a source is compiled when it is added, and not each function when it is first called:
 * a fork for each call would do that anew. */
void js_compile_all(void);

/* In the process of a guest that has nothing to do yet: touches the pages that its first source will. It runs lines
 * of ward's own, which leave no trace in the context. */
void js_touch(struct js *js);

/* In a fork of a process that has run its source: chance of its own, and the pages touched that a call of the handler
 * will. What the source has changed in the language is not asked, and notices nothing. */
void js_fork(struct js *js);

void js_add_arg(struct js *js, const char *text, size_t len);
void js_add_env(struct js *js, const char *name, const char *text, size_t len);

/* Compiles a source and keeps it by its name; the first script or module is the main one. False with why. */
bool js_add(struct js *js, enum js_kind kind, const char *name, const char *bytes, size_t len, struct guest_why *why);

/* Runs the main source until nothing is left to do. False with why: something was thrown, or what it awaits never
 * comes. */
bool js_run(struct js *js, struct guest_why *why);

/* Does the main module export a function as default? */
bool js_has_handler(struct js *js);

/* Calls that function: with ward.input when json is NULL. What it returns is the result. */
bool js_call(struct js *js, const char *json, size_t len, struct guest_why *why);

/* The result as JSON, borrowed until the next call; text NULL: there is none. False with why: it is no JSON. */
struct js_text {
	const char *text;
	size_t len;
};
bool js_result(struct js *js, struct js_text *out, struct guest_why *why);

#ifdef __cplusplus
}
#endif
