/* Reading the filters of a running process back. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct seccomp_program {
	struct sock_filter *at;         /* n instructions */
	size_t n;
};

/* Owned; all zero is none. */
struct seccomp_programs {
	struct seccomp_program *of;     /* oldest first, as they were installed */
	size_t n, cap;
};
#define SECCOMP_PROGRAMS_NONE ((struct seccomp_programs){ .of = NULL })
void seccomp_programs_done(struct seccomp_programs *programs);

/* Stops the thread for a moment, copies its filters, and lets it go on as it was.
 *
 * tid     in seccomp mode 2, or the kernel refuses
 * Errors: ERR_MISSING when it is gone; ERR_DENIED when it may not be traced, or its filters not be read;
 *         ERR_UNSUPPORTED when this kernel cannot, or a filter is not classic BPF; ERR_SYSTEM
 * Source: ptrace(2), PTRACE_SECCOMP_GET_FILTER; needs CAP_SYS_ADMIN in the first user namespace, a caller
 * without filters of its own, and CONFIG_CHECKPOINT_RESTORE (kernel/seccomp.c, seccomp_get_filter()) */
MUST_USE int seccomp_get(pid_t tid, struct seccomp_programs *out, struct err *e);
