/* One box, from its start to its end, for the front: holds its keeper, keeps its clocks and limits, and tells how it
 * ended. Sees no byte of a tenant: the box's streams belong to the front. */
#pragma once

#include "serve/launcher.h"

/* In a process of its own, which ends here. Takes all descriptors over.
 *
 * fds  of ORDER_START, by enum ORDER_FD_* */
_Noreturn void runner_live(const struct launcher_setup *setup, const struct order *order, const int fds[ORDER_FDS]);

/* The same for a box that has a guest for each order of the front's (runner_zygote.c).
 *
 * front_fd  of ORDER_ZYGOTE */
_Noreturn void runner_zygote_live(const struct launcher_setup *setup, const struct order *order, int front_fd);
