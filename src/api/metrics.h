/* /metrics, on a listener of its own: who may reach that may read it, without a key. No tenant is named in it. */
#pragma once

#include "api/front.h"
#include "base/str.h"

/* Binds --metrics, if that was given; an address that others can reach is refused unless there is a proxy in front.
 *
 * Errors: ERR_USAGE, ERR_DENIED, ERR_SYSTEM */
MUST_USE int metrics_open(struct front *front, struct err *e);
/* Serves it from the front's loop. */
MUST_USE int metrics_start(struct front *front, struct err *e);
void metrics_turn(struct front *front);
void metrics_stop(struct front *front);
/* One line on standard output: where it is. */
void metrics_say(const struct front *front);

/* metrics_show.c: all of it. -1: the store cannot be read. */
MUST_USE int metrics_show(struct front *front, struct str *out, struct err *e);
