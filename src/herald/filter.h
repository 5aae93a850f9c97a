/* The tables of the herald's jail, for the herald and for whoever explains it. */
#pragma once

#include <stddef.h>

#include "model/filter.h"

/* Adds the rows of its filter. */
void herald_filter(struct filter_set *set);

/* What it may read, NULL past the end: what names and certificates are looked up in, and the libraries that do. */
const char *herald_readable(size_t i);
