/* herald/filter: what the kernel answers to each call in the herald's filter. No call is made: see asked.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "../mech/asked.h"
#include "base/mem.h"
#include "herald/filter.h"

#define SELF 4711               /* the pid that the filter is built for */
#define NUMBERS 1024            /* behind the last call that any kernel has */

static struct asked *asked(void)
{
	static struct asked of;
	OWN(filter_set) set = FILTER_SET_NONE;

	herald_filter(&set, SELF);
	asked_build(&of, &set);
	return &of;
}

/* Its list says what is refused, and ends with the calls that were known when it was written. */
static void a_call_that_nobody_knew_kills(void **state)
{
	static const uint64_t args[5] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	const struct asked *const of = asked();
	OWN(filter_set) set = FILTER_SET_NONE;

	(void)state;
	herald_filter(&set, SELF);
	for (uint32_t nr = 0; nr < NUMBERS; nr++) {
		const struct filter_row *row = NULL;
		const enum filter_act act = filter_judge(&set, nr, (const uint64_t[6]){ args[0], args[1], args[2], args[3], args[4], ASKED_MARK }, &row);
		const int wanted = act == FILTER_ALLOW ? ASKED_PASSES : act == FILTER_KILL ? ASKED_KILLED : filter_errno(&set, row);
		const int got = asked_is_exempt(nr) ? wanted : asked_kernel(of, nr, args);

		if (got != wanted || (nr >= 463 && got != ASKED_KILLED))
			fail_msg("call %u: the kernel answers %d, not %d", nr, got, wanted);
	}
}

static void what_a_program_that_was_taken_over_would_want_is_refused(void **state)
{
	static const struct asked_row rows[] = {
		{ "execve", SYS_execve, { 0 }, EPERM },
		{ "execveat", SYS_execveat, { 0 }, EPERM },
		{ "fork", SYS_fork, { 0 }, EPERM },
		{ "vfork", SYS_vfork, { 0 }, EPERM },
		{ "clone of a process", SYS_clone, { SIGCHLD }, ASKED_KILLED },
		{ "clone of a thread", SYS_clone, { CLONE_THREAD | CLONE_VM | CLONE_SIGHAND }, ASKED_PASSES },
		{ "clone of a thread in a network of its own", SYS_clone, { CLONE_THREAD | CLONE_NEWNET }, ASKED_KILLED },
		{ "clone3", SYS_clone3, { 0 }, ENOSYS },
		{ "kill of itself", SYS_kill, { SELF, SIGABRT }, ASKED_PASSES },
		{ "kill of another", SYS_kill, { SELF + 1, SIGKILL }, ASKED_KILLED },
		{ "tgkill of another", SYS_tgkill, { SELF + 1, SELF + 1, SIGKILL }, ASKED_KILLED },
		{ "tkill", SYS_tkill, { SELF, SIGABRT }, EPERM },
		{ "a signal with a word", SYS_rt_sigqueueinfo, { SELF + 1, SIGKILL }, EPERM },
		{ "socket of IPv4", SYS_socket, { AF_INET, SOCK_STREAM }, ASKED_PASSES },
		{ "socket of this machine", SYS_socket, { AF_UNIX, SOCK_STREAM }, ASKED_PASSES },
		{ "socket of the kernel", SYS_socket, { AF_NETLINK, SOCK_RAW }, ASKED_KILLED },
		{ "socket of packets", SYS_socket, { AF_PACKET, SOCK_RAW }, ASKED_KILLED },
		{ "socket of a hypervisor", SYS_socket, { AF_VSOCK, SOCK_STREAM }, ASKED_KILLED },
		{ "bind", SYS_bind, { 0 }, EPERM },
		{ "listen", SYS_listen, { 0 }, EPERM },
		{ "ptrace", SYS_ptrace, { 0 }, EPERM },
		{ "reading another's memory", SYS_process_vm_readv, { 0 }, EPERM },
		{ "taking another's descriptor", SYS_pidfd_getfd, { 0 }, EPERM },
		{ "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM },
		{ "mount", SYS_mount, { 0 }, EPERM },
		{ "bpf", SYS_bpf, { 0 }, EPERM },
		{ "io_uring_setup", SYS_io_uring_setup, { 0 }, EPERM },
		{ "read of x32", 0x40000000, { 0 }, ASKED_KILLED },
	};

	(void)state;
	asked_rows(asked(), rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_nobody_knew_kills),
		cmocka_unit_test(what_a_program_that_was_taken_over_would_want_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
