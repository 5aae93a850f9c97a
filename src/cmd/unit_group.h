/* The control group that systemd delegates to the unit of `ward serve`. */
#pragma once

#include "base/err.h"

/* Moves this process, which must not have started another yet, into a child of its group where that is version 2,
 * delegated (Delegate=yes) and nobody else's: boxes are then made beside it, below what the unit is limited to. On v2
 * only a group without processes can have limited children. Elsewhere nothing happens.
 *
 * Syscalls: getxattr, mkdirat, write
 * Errors: ERR_SYSTEM: the group is delegated and cannot be used */
MUST_USE int unit_group_enter(struct err *e);
