/* Looks layers up by number and by name. */
#include "model/layer.h"

#include <string.h>

static const struct {
	const char *name, *holds, *attack, *defeat;
} layers[LAYERS] = {
#define LAYER(id, name, holds, attack, defeat) [LAYER_##id] = { name, holds, attack, defeat },
#include "model/layer.def"
#undef LAYER
};

_Static_assert(LAYERS <= 64, "sets of layers are 64 bits wide");

const char *layer_name(enum layer layer)
{
	return (unsigned)layer < LAYERS ? layers[layer].name : NULL;
}

const char *layer_holds(enum layer layer)
{
	return (unsigned)layer < LAYERS ? layers[layer].holds : NULL;
}

const char *layer_attack(enum layer layer)
{
	return (unsigned)layer < LAYERS ? layers[layer].attack : NULL;
}

const char *layer_defeat(enum layer layer)
{
	return (unsigned)layer < LAYERS ? layers[layer].defeat : NULL;
}

enum layer layer_find(const char *name)
{
	enum layer at = 0;

	while (at < LAYERS && strcmp(layers[at].name, name) != 0)
		at++;
	return at;
}
