/* Installing a finished filter. Compiling one is model/filter's business. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "base/err.h"

/* Needs no_new_privs (or CAP_SYS_ADMIN). Returns the listener's descriptor, 0 without one, or -1.
 * EBUSY means that a listener already watches this process: only one is possible.
 *
 * listen  SECCOMP_WAIT with it: a call that the listener looks at is interrupted by nothing but a kill; a
 *         kernel older than 5.19 starts such a call again, and asks once more */
enum seccomp_listen { SECCOMP_ALONE = 0, SECCOMP_LISTEN = 1, SECCOMP_WAIT = 2 };
MUST_USE int seccomp_enter(const struct sock_filter *program, size_t n, unsigned listen, struct err *e);
