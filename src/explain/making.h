/* Between page and drawing. Private to this folder. */
#pragma once

#include "explain/explain.h"

/* An edge that is there, in the words of edges.def. */
struct explain_edge {
	const char *from, *to, *data, *authority;
	char bound[96];
};
enum explain_edge_id {
#define EDGE(id, ...) EDGE_##id,
#include "explain/edges.def"
#undef EDGE
	EDGES
};

/* False when nothing crosses there. */
bool explain_edge(const struct explain *explain, enum explain_edge_id id, struct explain_edge *out);
/* Its number in list and drawing, from 1; 0: it is not there. */
unsigned explain_edge_number(const struct explain *explain, enum explain_edge_id id);

/* "71 system calls", or that nobody counts them. */
const char *explain_calls(const struct explain_reach *reach, bool has_filter, char out[64]);

/* The worst call that passes; NULL: none has a bad name. */
const struct surface_item *explain_worst_call(const struct explain_reach *reach);

/* Whether tenants get it though it does not hold what they may bring: the operator says so. */
bool explain_is_let(const struct explain_box *box);

extern const char explain_drawing_style[];
void explain_draw(const struct explain *explain, struct str *out);
