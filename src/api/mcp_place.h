/* What sandboxes a tenant gets here, in words for a model: from the classes that run, and the tables that refuse. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "serve/order.h"

/* What `auto` takes for each runtime of the tenant. */
struct mcp_place {
	const struct order_class *classes[ORDER_CLASSES_MAX];
	size_t n;
};

struct request;
void mcp_place_find(struct request *request, struct mcp_place *out);

/* True for a runtime whose program is a source file; others run modules, or what their steps say. */
bool mcp_place_takes_code(const struct order_class *class);

/* Appends sentences: what there is, what is refused and why, the limits. */
void mcp_place_describe(const struct mcp_place *place, struct str *out);
