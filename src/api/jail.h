/* The front's own jail. It reads the bytes of everybody, so it is built on the assumption that one of them takes it over:
 * what it can do then is what stands in the table of jail.c, on the files beneath its directory. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* What the kernel says of this process once all is in force: lines of /proc/self/status. */
struct jail {
	char effective[24], bounding[24];       /* capabilities, in hexadecimal digits */
	char seccomp[8], no_new_privs[8], uid[48];
	bool sees_root;                         /* whether "/" can be opened: never */
};

/* No root, no capability, no new privileges, no file but those beneath the working directory (Landlock), no system call
 * but a table's, no core, not to be looked into. Before the first thread and the first connection.
 *
 * Errors: ERR_DENIED, ERR_UNSUPPORTED, ERR_SYSTEM, ERR_BUG: a layer that cannot be had; the process must not go on */
MUST_USE int jail_enter(struct jail *out, struct err *e);
