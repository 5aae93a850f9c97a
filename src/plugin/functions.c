/* The table of functions.def, by name. */
#include "plugin/functions.h"

#include <string.h>

#include "plugin/manifest.h"

static const struct plugin_function_row rows[] = {
#define FUNCTION(id, grant, name, words, result, what) { #name, grant, words, result, what },
#include "plugin/functions.def"
#undef FUNCTION
};

const struct plugin_function_row *plugin_function_row(enum plugin_function which)
{
	return &rows[which];
}

enum plugin_function plugin_function_find(const char *name)
{
	size_t i = 0;

	while (i < PLUGIN_FUNCTIONS && strcmp(rows[i].name, name) != 0)
		i++;
	return (enum plugin_function)i;
}
