/* The service's state directory, as `ward serve` and who looks after it agree on it. */
#pragma once

#include <sys/types.h>

#define STATE_OF_ROOT "/var/lib/ward"
#define STATE_OF_USER "ward-state"

/* Where it is when nobody says. */
const char *state_dir_usual(void);

/* Whom the front becomes when root starts the service; above the ids of boxes, see box_id.c. */
#define FRONT_ID 0x7fff0000u
/* In a user namespace that has no such id. */
#define FRONT_NOBODY 65534u
