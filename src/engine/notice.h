/* A notification of the seccomp listener, for those who answer them. */
#pragma once

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>

/* The kernel's idea of one may be larger than ours: it grows at its end. All zero before it is received,
 * anything else is EINVAL. */
union notice {
	struct seccomp_notif known;
	char bytes[512];
};

/* The caller died meanwhile (ENOENT), or a signal came. */
static inline bool notice_is_passing(int sys)
{
	return sys == ENOENT || sys == EINTR;
}
