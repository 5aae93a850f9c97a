/* Scopes of keys by name, and the keys of a first start. */
#pragma once

#include <stdint.h>

#include "base/json.h"

/* A bit of enum store_scope, 0 when there is none of that name. */
uint32_t key_scope_find(const char *name);
void key_scopes_put(struct json *json, const char *name, uint32_t scopes);
