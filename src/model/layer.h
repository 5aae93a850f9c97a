/* The names of the layers. Pure. */
#pragma once

#include <stdint.h>

enum layer {
#define LAYER(id, name, holds, attack, defeat) LAYER_##id,
#include "model/layer.def"
#undef LAYER
	LAYERS
};

/* Sets of layers are bit masks of these. */
#define LAYER_BIT(layer) ((uint64_t)1 << (layer))

/* "userns"; NULL when out of range. */
const char *layer_name(enum layer layer);

/* What the layer holds, a phrase for people. */
const char *layer_holds(enum layer layer);

/* An attack the layer answers, and what would defeat the layer; "-" when nothing does. */
const char *layer_attack(enum layer layer);
const char *layer_defeat(enum layer layer);

/* LAYERS when there is no such name. */
enum layer layer_find(const char *name);
