/* One box, from its start to its end, for the front: holds its keeper, keeps its clocks and limits, and tells how it
 * ended. Sees no byte of a tenant: the box's streams belong to the front. */
#pragma once

#include "serve/launcher.h"

/* The exit status that says of the network lent to it: its box is gone, every process of it too, and none was ever let
 * make a socket. Whatever else a runner's end looks like, nobody may have that network. */
#define RUNNER_UNSPENT 78

/* In a process of its own, which ends here. Takes all descriptors over.
 *
 * fds         of ORDER_START, by enum ORDER_FD_*
 * network_fd  a network for its box, -1: the box has one of its own */
_Noreturn void runner_live(const struct launcher_setup *setup, const struct order *order, const int fds[ORDER_FDS], int network_fd);

/* The same for a box that has a guest for each order of the front's (runner_zygote.c).
 *
 * front_fd  of ORDER_ZYGOTE */
_Noreturn void runner_zygote_live(const struct launcher_setup *setup, const struct order *order, int front_fd);
