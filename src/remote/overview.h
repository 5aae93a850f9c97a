/* The overview of a service as a page of text: what `ward top` shows. Pure; every value comes from outside. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

struct overview_page {
	const json_t *overview, *jobs;  /* answers of /v1/overview and /v1/jobs; jobs NULL: this key may not see them */
	unsigned width, height;         /* of the terminal; 0: as much as there is */
	bool has_colour;
};

/* Appends lines, each ended by "\n" and, but for what has_colour adds, without a control byte. */
void overview_show(const struct overview_page *page, struct str *out);
