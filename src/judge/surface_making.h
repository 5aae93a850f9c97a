/* Between the parts that find crossings. Private to surface*.c. */
#pragma once

#include "judge/surface.h"

struct making {
	struct surface *surface;
	const struct place *place;
	struct regions *store;
	struct region passes;   /* calls that reach the kernel */
	struct region asks;     /* those another process decides; none where that is ward, which refuses */
	bool has_filter;
	bool has_answers;       /* the filters were evaluated */
	bool knows_calls;       /* and the store has had room for every question since */
};

/* Appends a copy; the strings are borrowed: static, the place's, or from surface->arena. */
void surface_add(struct making *m, const struct surface_item *item);

/* A sentence about what could not be judged; copied. */
void surface_add_missing(struct making *m, const char *text);

/* The system calls that pass, one item each, and the kernel behind them. */
void surface_add_calls(struct making *m);

/* Their severities, from what lint finds about the filters. */
void surface_rate_calls(struct making *m, const struct subject *subject);

/* The lists of the place: files, devices, descriptors, limits. */
void surface_add_files(struct making *m);
void surface_add_starter(struct making *m);
void surface_add_limits(struct making *m);

/* How bad it is to have the place's capabilities over the host, and their names, worst first. */
enum severity surface_caps_severity(const struct place *place);
const char *surface_caps_words(struct making *m);
