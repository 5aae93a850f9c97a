/* api/front_filter: what the kernel answers to each call in the front's filter. No call is made: see asked.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../mech/asked.h"
#include "api/front_filter.h"
#include "base/mem.h"

#define SELF 4711               /* the pid that the filter is built for */
#define NUMBERS 1024            /* behind the last call that any kernel has */

static struct asked *asked(void)
{
	static struct asked of;
	OWN(filter_set) set = FILTER_SET_NONE;

	front_filter(&set, SELF);
	asked_build(&of, &set);
	return &of;
}

static bool has_row(const struct filter_set *set, uint32_t nr)
{
	for (size_t i = 0; i < filter_count(set); i++)
		if (filter_row_at(set, i)->nr == nr)
			return true;
	return false;
}

/* The arguments are those that no row looks for; a call without tests passes with any. */
static void a_call_that_is_not_in_the_table_kills(void **state)
{
	static const uint64_t args[5] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	const struct asked *const of = asked();
	OWN(filter_set) set = FILTER_SET_NONE;
	unsigned refused = 0, passed = 0;

	(void)state;
	front_filter(&set, SELF);
	for (uint32_t nr = 0; nr < NUMBERS; nr++) {
		const int got = asked_is_exempt(nr) ? ASKED_KILLED : asked_kernel(of, nr, args);

		if (!has_row(&set, nr) && got != ASKED_KILLED)
			fail_msg("call %u is in no row, and the kernel answers %d", nr, got);
		refused += got == ASKED_KILLED;
		passed += got == ASKED_PASSES;
	}
	assert_true(passed > 50 && passed < 90 && refused > NUMBERS - 100);
}

static void what_is_let_through_with_arguments_is_refused_without(void **state)
{
	static const struct asked_row rows[] = {
		{ "execve", SYS_execve, { 0 }, ASKED_KILLED },
		{ "execveat", SYS_execveat, { 0 }, ASKED_KILLED },
		{ "socket of IPv4", SYS_socket, { AF_INET, SOCK_STREAM }, ASKED_KILLED },
		{ "socket of this machine", SYS_socket, { AF_UNIX, SOCK_STREAM }, ASKED_KILLED },
		{ "connect", SYS_connect, { 0 }, ASKED_KILLED },
		{ "bind", SYS_bind, { 0 }, ASKED_KILLED },
		{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM }, ASKED_PASSES },
		{ "socketpair of IPv4", SYS_socketpair, { AF_INET, SOCK_STREAM }, ASKED_KILLED },
		{ "mmap", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS }, ASKED_PASSES },
		{ "mmap of code", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE }, ASKED_KILLED },
		{ "mprotect to code", SYS_mprotect, { 0, 4096, PROT_EXEC }, ASKED_KILLED },
		{ "fork", SYS_fork, { 0 }, ASKED_KILLED },
		{ "clone of a process", SYS_clone, { SIGCHLD }, ASKED_KILLED },
		{ "clone of a thread", SYS_clone, { CLONE_THREAD | CLONE_VM | CLONE_SIGHAND }, ASKED_PASSES },
		{ "clone of a thread in a network of its own", SYS_clone, { CLONE_THREAD | CLONE_NEWNET }, ASKED_KILLED },
		{ "clone3", SYS_clone3, { 0 }, ENOSYS },
		{ "kill of itself", SYS_kill, { SELF, SIGABRT }, ASKED_PASSES },
		{ "kill of another", SYS_kill, { SELF + 1, SIGKILL }, ASKED_KILLED },
		{ "kill of all", SYS_kill, { UINT64_MAX, SIGKILL }, ASKED_KILLED },
		{ "tgkill of another", SYS_tgkill, { SELF + 1, SELF + 1, SIGKILL }, ASKED_KILLED },
		{ "typing into a terminal", SYS_ioctl, { 0, TIOCSTI }, ASKED_KILLED },
		{ "another filter", SYS_prctl, { PR_SET_SECCOMP, 2 }, ASKED_KILLED },
		{ "to be looked into again", SYS_prctl, { PR_SET_DUMPABLE, 1 }, ASKED_KILLED },
		{ "reading limits", SYS_prlimit64, { 0, 7, 0 }, ASKED_PASSES },
		{ "raising limits", SYS_prlimit64, { 0, 7, 0x7fff0000 }, ASKED_KILLED },
		{ "ptrace", SYS_ptrace, { 0 }, ASKED_KILLED },
		{ "unshare", SYS_unshare, { CLONE_NEWUSER }, ASKED_KILLED },
		{ "mount", SYS_mount, { 0 }, ASKED_KILLED },
		{ "io_uring_setup", SYS_io_uring_setup, { 0 }, ASKED_KILLED },
		{ "a special file", SYS_mknodat, { 0 }, ASKED_KILLED },
		{ "a link", SYS_symlinkat, { 0 }, ASKED_KILLED },
		{ "read of x32", 0x40000000, { 0 }, ASKED_KILLED },
	};

	(void)state;
	asked_rows(asked(), rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_is_not_in_the_table_kills),
		cmocka_unit_test(what_is_let_through_with_arguments_is_refused_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
