/* A shell script that runs a program under bubblewrap as a policy says, as far as it can. Pure. */
#pragma once

#include "format/peer.h"

/* The script carries the filter in it, so it is one file. Its arguments are the program, unless the box
 * names one.
 * Source: bwrap(1), version 0.8 */
MUST_USE int bwrap_write(const struct peer_box *box, struct peer_text *text, struct err *e);
