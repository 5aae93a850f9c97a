/* The first start: a key for who runs the service, a tenant that can be used at once, and a key for it. */
#pragma once

#include "api/front.h"

/* Does nothing when there is a tenant already. Keys are printed once, after they are on the disk.
 *
 * Errors: ERR_SYSTEM */
MUST_USE int first_start(struct front *front, struct err *e);

/* The key that cursors are signed with: kept in the directory, so that they outlive this process. */
MUST_USE int first_cursor_key(struct front *front, struct err *e);
