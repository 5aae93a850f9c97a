/* The tables of the herald's jail, for the herald and for whoever explains it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/filter.h"

/* Adds the rows of its filter. self  its pid: what it may send signals to */
void herald_filter(struct filter_set *set, uint32_t self);

/* What it may read, NULL past the end: what names and certificates are looked up in, and the libraries that do. */
const char *herald_readable(size_t i);
