/* Records what a box calls: every call comes to its listener, is judged by its registers as the floor and
 * the boundary would, recorded, and goes on in the kernel. Only `ward trace` makes one; a plan asks about
 * every call only when its payload says `observed`.
 *
 * Start-up is the time from execve to the first call that neither comes from the dynamic loader, as one
 * of those that load a program, nor is one of those with which a C library sets itself up. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "model/filter.h"
#include "model/record.h"

struct observer;

/* judge    the rows of the rung, borrowed: what they do not refuse goes on
 * record   filled; borrowed
 * confine  whether observe_turn() gives ward's rights up at the first call
 * Errors: ERR_SYSTEM without /proc */
MUST_USE int observe_new(const struct filter_set *judge, struct record *record, bool confine,
			 struct observer **out, struct err *e);
void observe_free(struct observer *observer);

/* Takes one call that waits at the listener.
 *
 * Returns 0, or 1 when the listener is of no more use
 * Errors: why ward cannot watch: no right to read the program's memory */
MUST_USE int observe_turn(struct observer *observer, int listener, struct err *e);

/* After the box: gives the call sites their names. */
void observe_finish(struct observer *observer);
