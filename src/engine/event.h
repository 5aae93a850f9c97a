/* What a run tells programs while it goes on: JSON lines on a descriptor. It never holds the run
 * up: an event for which a reader has no room is left out, all but the last one. */
#pragma once

#include "model/result.h"

/* fd -1: nobody listens. Readers ignore members they do not know.
 *   {"event":"started","setup_us":N,"layers":[...]}
 *   {"event":"denied","denial":{"call":"socket(AF_ALG, ...)",...}}  once for each entry
 *   {"event":"ended","result":{...}}                                as result_json() */
void event_started(int fd, const struct result *result);
void event_denied(int fd, const struct denial *denial);
void event_ended(int fd, const struct result *result);  /* waits for its reader */
