/* What the source of a module asks for, found without running it: so that whoever may open files gives them up front,
 * and whoever runs the source opens none. Pure; the text is hostile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Calls for every text that may be the specifier of an import. It finds too much rather than too little: what stands
 * behind `from` or `import` as a plain literal, outside comments, texts and templates.
 *
 * Returns true when the source begins a statement with `import` or `export`, so that it is a module. */
bool imports_scan(const char *text, size_t len, void (*found)(void *at, const char *specifier, size_t len), void *at);

#define IMPORTS_NAME_MAX 4096

/* The name that a specifier has in a module of that name: "/a/b.mjs" and "./c.mjs" are "/a/c.mjs"; what begins with
 * neither '/' nor '.' is itself. False: it is too long, or has a NUL. */
bool imports_resolve(const char *from, const char *specifier, size_t len, char out[IMPORTS_NAME_MAX]);
