/* A drop-in for a systemd service that holds a program as a policy does, as far as systemd can. Pure. */
#pragma once

#include "format/peer.h"

/* Calls are all or nothing there: one whose arguments the policy tests is left out, or let through whole
 * when the caller said so, and then held by a Restrict* directive where there is one.
 * Source: systemd.exec(5), systemd.resource-control(5) */
MUST_USE int systemd_write(const struct peer_box *box, struct peer_text *text, struct err *e);
