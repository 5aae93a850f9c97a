/* What the launcher's children become: the front and the herald, each another user where there are others, with fixed
 * descriptors and no others. */
#pragma once

#include "serve/launcher.h"

#define HERALD_FD 3

/* launcher_fd, herald_fd  the front's ends; herald_fd -1: there is none
 * crash_at  store/crash.h: the value of WARD_CRASH_AT, for tests; NULL: none */
_Noreturn void launcher_become_front(const struct launcher_setup *setup, int launcher_fd, int herald_fd, const char *crash_at);
_Noreturn void launcher_become_herald(const struct launcher_setup *setup, int fd);
