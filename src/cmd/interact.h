/* A person, or a pipe, talks to a job. */
#pragma once

#include "cmd/remote.h"

/* The size of our terminal as a job may have it: rows << 16 | columns; that of an old one where we have none. */
uint32_t interact_size(void);

/* Standard input goes to the job, what it writes comes here, until it has ended. With `has_tty` our terminal is raw
 * meanwhile and the job's has its size.
 *
 * Errors: ERR_SYSTEM: the socket broke, the job goes on; ERR_CONFLICT: interrupted */
MUST_USE int interact(struct remote *remote, const char *id, bool has_tty, struct err *e);
