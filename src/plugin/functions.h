/* The functions that a plug-in may import, by name: the three, and what a manifest grants beyond them. Both sides
 * know this table: the host refuses a module by it, the worker binds by it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_MODULE   "ward"          /* what a plug-in imports the functions of the table from */
#define PLUGIN_EMBEDDER "embedder"      /* and those that the embedder registers */

/* (in, in length, out, room) -> length, or -1: what every function of an embedder looks like. */
#define PLUGIN_EMBEDDER_WORDS "iiii"

enum plugin_function {
#define FUNCTION(id, grant, name, words, result, what) PLUGIN_##id##_FUNCTION,
#include "plugin/functions.def"
#undef FUNCTION
	PLUGIN_FUNCTIONS
};

struct plugin_function_row {
	const char *name;
	uint32_t grant;
	const char *words;
	char result;
	const char *what;
};

const struct plugin_function_row *plugin_function_row(enum plugin_function which);

/* PLUGIN_FUNCTIONS when there is none of that name. */
enum plugin_function plugin_function_find(const char *name);
