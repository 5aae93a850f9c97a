/* A notification of the seccomp listener, for those who answer them. */
#pragma once

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

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

static inline bool notice_send(int listener, const struct seccomp_notif_resp *answer)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer) == 0 || notice_is_passing(errno);
}

/* The call fails with sys, not 0. False: the kernel takes no answers any more. */
static inline bool notice_refuse(int listener, uint64_t id, int sys)
{
	return notice_send(listener, &(struct seccomp_notif_resp){ .id = id, .error = -sys });
}

/* The call goes on, with what its arguments are then. False: as above. */
static inline bool notice_let_go(int listener, uint64_t id)
{
	return notice_send(listener, &(struct seccomp_notif_resp){ .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE });
}
