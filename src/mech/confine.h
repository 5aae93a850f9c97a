/* The filter of ward's own processes: a short list of calls, everything else kills. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CONFINE_CALLS 64

/* Sets no_new_privs and allows exactly calls[n] (x86-64 numbers, any arguments) from now on.
 * n at most CONFINE_CALLS. */
MUST_USE int confine_calls(const uint16_t *calls, size_t n, struct err *e);

/* Refuses exactly calls[n] with ENOSYS, for this process and its children; a filter of theirs that
 * refuses the same call otherwise has the last word. Needs CAP_SYS_ADMIN: no_new_privs is left alone. */
MUST_USE int confine_refuse(const uint16_t *calls, size_t n, struct err *e);
