/* engine/deny: how refused calls are judged and counted, and a socket told. What else comes to the listener: run.c. */
#include "engine/deny.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static void add(struct filter_set *set, uint32_t nr, enum filter_act act, uint16_t sys,
		uint32_t line)
{
	const struct filter_row row = { .nr = nr, .act = (uint8_t)act, .sys = sys, .line = line,
					.origin = line ? "policy" : "@group" };

	filter_add(set, &row);
}

static void a_call_is_never_answered_with_success(void **state)
{
	static const struct {
		uint32_t nr;
		enum filter_act act;
		int sys;        /* 0: any */
	} rows[] = {
		{ SYS_getpid, FILTER_ERRNO, ENOENT },
		{ SYS_getppid, FILTER_NOTIFY, EACCES },
		{ SYS_getuid, FILTER_ALLOW, EPERM },    /* should not have come: still no */
		{ SYS_getgid, FILTER_LOG, EPERM },
		{ SYS_setuid, FILTER_ERRNO, 0 },        /* a row without an errno */
		{ SYS_mount, FILTER_ERRNO, 0 },         /* no row */
	};
	struct filter_set set = FILTER_SET_NONE;
	const uint64_t args[6] = { 0 };

	(void)state;
	set.otherwise = FILTER_ERRNO;
	add(&set, SYS_getpid, FILTER_ERRNO, ENOENT, 3);
	add(&set, SYS_getppid, FILTER_NOTIFY, EACCES, 4);
	add(&set, SYS_getuid, FILTER_ALLOW, 0, 5);
	add(&set, SYS_getgid, FILTER_LOG, 0, 6);
	add(&set, SYS_setuid, FILTER_ERRNO, 0, 7);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct ruling ruling = deny_judge(&set, rows[i].nr, args);

		assert_int_equal(ruling.act, rows[i].act);
		assert_int_not_equal(ruling.sys, 0);
		assert_non_null(ruling.origin);
		if (rows[i].sys)
			assert_int_equal(ruling.sys, rows[i].sys);
	}
	filter_set_done(&set);
}

static void the_same_call_by_the_same_rule_is_one_entry(void **state)
{
	struct result result = { 0 };
	const struct ruling a = { FILTER_ERRNO, EPERM, 3, "policy" };
	const struct ruling b = { FILTER_ERRNO, EPERM, 4, "policy" };
	const uint64_t first[6] = { 1, 2, 3, 4, 5, 6 }, later[6] = { 9 };

	(void)state;
	assert_non_null(deny_record(&result, &a, 7, first));
	assert_null(deny_record(&result, &a, 7, later));
	assert_non_null(deny_record(&result, &b, 7, later));
	assert_non_null(deny_record(&result, &a, 8, later));
	assert_int_equal(result.n_denials, 3);
	assert_int_equal(result.denials[0].count, 2);
	assert_int_equal(result.denials[0].args[5], 6);
	assert_int_equal(result.denials[1].count, 1);
}

static void the_list_is_bounded_and_the_rest_is_counted(void **state)
{
	static struct result result;
	const struct ruling ruling = { .act = FILTER_ERRNO, .sys = EPERM, .origin = "default" };
	const uint64_t args[6] = { 0 };

	(void)state;
	for (uint32_t nr = 0; nr < 1000; nr++)
		(void)deny_record(&result, &ruling, nr, args);
	(void)deny_record(&result, &ruling, 0, args);
	assert_int_equal(result.n_denials, RESULT_DENIALS);
	assert_int_equal(result.denials_more, 1000 - RESULT_DENIALS);
	assert_int_equal(result.denials[0].count, 2);
}

#define NO_LISTENER 77

/* A filter that tells of sockets, as the compiler makes it. */
static int install_teller(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* Exit status: which of three families it could have a socket of. */
static int make_sockets(int to)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_NETLINK };
	const int listener = install_teller();
	struct err e = ERR_INIT;
	int made = 0;

	if (listener < 0 || fd_send(to, "", 1, &listener, 1, &e) < 0)
		return NO_LISTENER;
	close(listener);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		made |= socket(families[i], SOCK_DGRAM, 0) >= 0 ? 1 << i : 0;
	return made;
}

/* Returns the wait status of a process that makes sockets; *result has what it was refused. */
static int watch_sockets(const struct filter_set *set, const struct deny_ears *ears, struct result *result)
{
	int pair[2], status, listener = -1;
	struct err e = ERR_INIT;
	size_t n_fds;
	char byte;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		_exit(make_sockets(pair[1]));
	close(pair[1]);
	if (fd_receive(pair[0], &byte, 1, &listener, 1, &n_fds, &e) == 1)
		do
			(void)!poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, 10000);
		while (deny_turn(listener, set, result, ears) == 0);
	fd_close(listener);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The rows allow AF_UNIX and AF_NETLINK, the floor AF_UNIX and AF_INET. */
static void fill_telling(struct filter_set *set)
{
	filter_add(set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_ERRNO, .sys = EXDEV, .origin = "policy", .n_tests = 1,
					      .tests = { { 0, FILTER_EQ, UINT64_MAX, AF_INET } } });
	add(set, SYS_socket, FILTER_ALLOW, 0, 0);
	set->otherwise = FILTER_ERRNO;
	set->tells = true;
}

static void count(void *at)
{
	++*(unsigned *)at;
}

static void a_socket_is_told_before_it_is_made_and_the_floor_still_holds(void **state)
{
	static struct result result;
	struct filter_set set = FILTER_SET_NONE;
	unsigned n = 0;
	const struct deny_ears ears = { .opens = count, .at = &n };
	int status;

	(void)state;
	fill_telling(&set);
	status = watch_sockets(&set, &ears, &result);
	filter_set_done(&set);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LISTENER)
		skip();
	assert_int_equal(status, 1 << 8);
	assert_int_equal(n, 1);
	assert_int_equal(result.n_denials, 2);
	assert_int_equal(result.denials[0].sys, EXDEV);
	assert_int_equal(result.denials[1].sys, ENOSYS);
	assert_string_equal(result.denials[1].origin, "floor");
}

static void no_socket_is_made_where_nobody_is_told(void **state)
{
	static struct result result;
	struct filter_set set = FILTER_SET_NONE;
	const struct deny_ears none = { .at = NULL };
	int status;

	(void)state;
	fill_telling(&set);
	status = watch_sockets(&set, &none, &result);
	filter_set_done(&set);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LISTENER)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_never_answered_with_success),
		cmocka_unit_test(the_same_call_by_the_same_rule_is_one_entry),
		cmocka_unit_test(the_list_is_bounded_and_the_rest_is_counted),
		cmocka_unit_test(a_socket_is_told_before_it_is_made_and_the_floor_still_holds),
		cmocka_unit_test(no_socket_is_made_where_nobody_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
