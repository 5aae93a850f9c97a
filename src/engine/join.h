/* Becoming able to read one box's tasks, and nothing else: ward enters the box's user and mount namespaces
 * and keeps CAP_SYS_PTRACE there; where the box has none of its own, it takes the box's user id for reading. */
#pragma once

#include "base/err.h"

/* Gives up what ward was for what it needs to watch. Irreversible, also when it fails.
 *
 * proc_fd  /proc of the host
 * tid      a task of the box, which waits in a call
 * Errors: ERR_UNSUPPORTED when the kernel does not let this user read it (kernel.yama.ptrace_scope), ERR_SYSTEM
 * Syscalls: setns, setresuid, setfsuid, capset; user_namespaces(7), ptrace(2) "access mode checking" */
MUST_USE int join_box(int proc_fd, int tid, struct err *e);
