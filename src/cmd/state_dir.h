/* Where state is kept: the service's, as `ward serve` and who looks after it agree on it, and a user's own. */
#pragma once

#include <sys/types.h>

#include "base/mem.h"

#define STATE_OF_ROOT "/var/lib/ward"
#define STATE_OF_USER "ward-state"

/* Where it is when nobody says. */
const char *state_dir_usual(void);

/* Of the commands that keep something for their user: $XDG_STATE_HOME/ward, or ~/.local/state/ward; NULL: neither is set.
 * In the arena. Source: XDG Base Directory Specification 0.8 */
const char *state_dir_of_user(struct arena *arena);

/* Whom the front becomes when root starts the service; above the ids of boxes, see box_id.c. */
#define FRONT_ID 0x7fff0000u
/* In a user namespace that has no such id. */
#define FRONT_NOBODY 65534u
