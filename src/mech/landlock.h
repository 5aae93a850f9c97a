/* Landlock: the kernel's own second opinion on files, TCP ports and scopes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The ABI this kernel has, 0 when absent or switched off. */
int landlock_abi(void);

/* A rule set that handles these rights; what is handled and not granted is refused.
 * Returns a descriptor. Source: landlock(7), linux/landlock.h up to ABI 7. */
MUST_USE int landlock_new(uint64_t file_rights, uint64_t port_rights, uint64_t scopes, struct err *e);

/* Grants rights beneath a path (a file: only the rights files have). A path that does not exist
 * grants nothing and is no error.
 *
 * exact  no link on the way: the path is one that others may change while we look */
MUST_USE int landlock_add_path(int rules_fd, const char *path, bool exact, uint64_t rights, struct err *e);
MUST_USE int landlock_add_port(int rules_fd, uint16_t port, uint64_t rights, struct err *e);

/* Puts this process and all its children under the rules. Needs no_new_privs. Closes rules_fd. */
MUST_USE int landlock_enter(int rules_fd, struct err *e);
