/* Installing a finished filter. Compiling one is model/filter's business. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Needs no_new_privs (or CAP_SYS_ADMIN). Returns the listener's descriptor, 0 without one, or -1.
 * EBUSY means that a listener already watches this process: only one is possible. */
MUST_USE int seccomp_enter(const struct sock_filter *program, size_t n, bool listener, struct err *e);
