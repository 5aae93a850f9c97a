/* seccomp(2). */
#include "mech/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int seccomp_enter(const struct sock_filter *program, size_t n, unsigned listen, struct err *e)
{
	const struct sock_fprog prog = { (unsigned short)n, (struct sock_filter *)(uintptr_t)program };
	const unsigned long flags = listen ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	const unsigned long more = listen & SECCOMP_WAIT ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | more, &prog);

	if (fd < 0 && errno == EINVAL && more)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0 && errno == EBUSY)
		return err_set(e, ERR_UNSUPPORTED, "seccomp: something outside already listens to this "
			       "process's refused calls; add --log none");
	return fd < 0 ? err_sys(e, "seccomp") : (int)fd;
}
