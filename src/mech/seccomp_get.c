/* Copies filters out of a process with ptrace. Changes nothing in it, and leaves it running. */
#include "mech/seccomp_get.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"

#define FILTERS_MAX 32768       /* 4 instructions or more each: seccomp_attach_filter() stops at 2^18 / 8 */
#define STOP_MS 2000

void seccomp_programs_done(struct seccomp_programs *programs)
{
	for (size_t i = 0; i < programs->n; i++)
		free(programs->of[i].at);
	free(programs->of);
	*programs = SECCOMP_PROGRAMS_NONE;
}

static int refuse_attach(pid_t tid, struct err *e)
{
	if (errno == ESRCH)
		return err_set(e, ERR_MISSING, "process %d is gone", tid);
	if (errno == EPERM)
		return err_set(e, ERR_DENIED,
			       "process %d may not be traced: it is another user's, a kernel thread, ward "
			       "itself, or somebody traces it already; try as root", tid);
	return err_sys(e, "PTRACE_SEIZE of process %d", tid);
}

/* The thread may sleep where nothing wakes it, so this does not wait for ever.
 *
 * signal  it was about to get, 0: none; it gets it when it is let go */
static int wait_stopped(pid_t tid, int *signal, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status, got = 0;

	for (int ms = 0; ms < STOP_MS; ms++) {
		got = waitpid(tid, &status, __WALL | WNOHANG);
		if (got)
			break;
		nanosleep(&pause, NULL);
	}
	if (got < 0)
		return err_sys(e, "wait for process %d", tid);
	if (!got)
		return err_set(e, ERR_CONFLICT, "process %d does not stop: it waits inside the kernel; try again",
			       tid);
	if (!WIFSTOPPED(status))
		return err_set(e, ERR_MISSING, "process %d is gone", tid);
	*signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	return 0;
}

static int refuse_read(pid_t tid, struct err *e)
{
	switch (errno) {
	case EACCES:
		return err_set(e, ERR_DENIED,
			       "the kernel shows filters only to CAP_SYS_ADMIN of the host, under no filter itself; "
			       "run ward as root outside of containers");
	case EINVAL:
		return err_set(e, ERR_UNSUPPORTED,
			       "this kernel shows no filters (CONFIG_CHECKPOINT_RESTORE); judge the profile instead");
	case EMEDIUMTYPE:
		return err_set(e, ERR_UNSUPPORTED, "a filter of process %d is not classic BPF", tid);
	case ESRCH:
		return err_set(e, ERR_MISSING, "process %d is gone", tid);
	default:
		return err_sys(e, "PTRACE_SECCOMP_GET_FILTER of process %d", tid);
	}
}

static long get(pid_t tid, size_t i, struct sock_filter *out)
{
	/* glibc's prototype has pointers where the kernel has numbers. */
	return ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)(uintptr_t)i, out);
}

/* Source: get_nth_filter() of kernel/seccomp.c: 0 is the oldest. */
static int read_all(pid_t tid, struct seccomp_programs *out, struct err *e)
{
	for (size_t i = 0; i < FILTERS_MAX; i++) {
		const long n = get(tid, i, NULL);
		struct seccomp_program *program;

		if (n < 0 && errno == ENOENT && i)
			return 0;
		if (n < 0)
			return refuse_read(tid, e);
		out->of = mem_grow(out->of, &out->cap, out->n + 1, sizeof(*out->of));
		program = &out->of[out->n++];
		*program = (struct seccomp_program){ mem_alloc((size_t)n * sizeof(*program->at)), (size_t)n };
		if (get(tid, i, program->at) != n)
			return refuse_read(tid, e);
	}
	return err_set(e, ERR_LIMIT, "process %d has more than %d filters", tid, FILTERS_MAX);
}

int seccomp_get(pid_t tid, struct seccomp_programs *out, struct err *e)
{
	OWN(seccomp_programs) programs = SECCOMP_PROGRAMS_NONE;
	int signal = 0, rc;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return refuse_attach(tid, e);
	rc = ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? refuse_attach(tid, e) : wait_stopped(tid, &signal, e);
	if (rc == 0)
		rc = read_all(tid, &programs, e);
	/* Of one that did not stop the kernel lets go when ward ends. */
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(uintptr_t)signal);
	if (rc < 0)
		return -1;
	*out = TAKE(programs, SECCOMP_PROGRAMS_NONE);
	return 0;
}
