/* Rows for a process of ours that is to stay alone. */
#pragma once

#include <stdint.h>

#include "model/filter.h"

/* Threads of its own, but no process and no namespace; signals to itself, which abort() sends, and to nobody else.
 * The calls have no other row.
 *
 * self  its pid */
void filter_add_alone(struct filter_set *set, uint32_t self);
