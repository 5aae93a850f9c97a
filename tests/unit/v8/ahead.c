/* v8/ahead: forks that wait are had, handed out once, let go, and believed only where the kernel agrees. The guest that forks
 * is played here. */
#include "v8/ahead.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

enum play { HONEST, SAYS_ITS_PARENT, SAYS_ALL, SAYS_READY, DIES_WAITING, REFUSES, GOES };

/* A fork's own part: its number, then until its channel ends. */
static _Noreturn void wait_there(enum play play, int fd)
{
	struct guest_writer out = { .at = 0 };
	int32_t word = getpid();
	struct err e;
	char byte;

	if (play == SAYS_ITS_PARENT)
		word = getppid();
	else if (play == SAYS_ALL)
		word = -1;
	if (guest_put(&out, play == SAYS_READY ? GUEST_READY : GUEST_WAITS, &word, play == SAYS_READY ? 0 : sizeof(word), &e) < 0 ||
	    guest_flush(&out, fd, &e) <= 0)
		_exit(9);
	if (play != DIES_WAITING)
		(void)!read(fd, &byte, 1);
	_exit(0);
}

static _Noreturn void serve(enum play play, int control)
{
	struct err e;
	char head[8];
	size_t n = 0;
	int fd = -1;

	while (play != GOES && fd_receive(control, head, sizeof(head), &fd, 1, &n, &e) == sizeof(head)) {
		if (play != REFUSES && syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0)
			wait_there(play, fd);
		close(fd);
		fd = -1;
		n = 0;
	}
	_exit(0);
}

static void begin(struct ahead *ahead, enum play play)
{
	int ends[2];

	ahead_open(ahead);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ahead->server = fork();
	if (ahead->server == 0) {
		close(ends[0]);
		serve(play, ends[1]);
	}
	close(ends[1]);
	ahead->server_fd = ends[0];
}

static void finish(struct ahead *ahead)
{
	int status;

	ahead_drop(ahead);
	fd_close_at(&ahead->server_fd);
	while (waitpid(-1, &status, 0) > 0)
		;
	assert_int_equal(errno, ECHILD); /* nobody waits for ever */
}

static void hear_all(struct ahead *ahead)
{
	struct pollfd polls[AHEAD_MAX];

	for (size_t i = 0; i < ahead->n; i++)
		while (ahead->n > i && !ahead->forks[i].pid) {
			const size_t n = ahead_polls(ahead, polls);

			assert_true(poll(&polls[i], 1, 30000) == 1);
			for (size_t k = 0; k < n; k++)
				polls[k].revents = k == i ? polls[k].revents : 0;
			ahead_heard(ahead, polls, n);
		}
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void each_is_handed_out_once(void **state)
{
	struct ahead_fork a, b;
	struct ahead ahead;
	struct err e;

	(void)state;
	begin(&ahead, HONEST);
	ahead_fill(&ahead, 2);
	hear_all(&ahead);
	assert_int_equal(ahead.n, 2);
	assert_int_equal(ahead_take(&ahead, &a, &e), 0);
	assert_int_equal(ahead_take(&ahead, &b, &e), 0);
	assert_true(a.pid > 0 && b.pid > 0 && a.pid != b.pid && a.fd != b.fd);
	assert_int_equal(ahead.n, 0);
	ahead_end(&ahead, &a);
	ahead_end(&ahead, &b);
	assert_true(a.fd < 0 && b.fd < 0);
	while (ahead.n_ending)
		ahead_reap(&ahead);
	assert_true(is_gone(a.pid) && is_gone(b.pid));
	finish(&ahead);
}

static void one_is_made_when_none_waits(void **state)
{
	struct ahead_fork fork;
	struct ahead ahead;
	struct err e;

	(void)state;
	begin(&ahead, HONEST);
	for (int i = 0; i < 3 * AHEAD_MAX; i++) {
		assert_int_equal(ahead_take(&ahead, &fork, &e), 0);
		ahead_end(&ahead, &fork);
		assert_true(ahead.n_ending <= AHEAD_MAX);
	}
	finish(&ahead);
}

static void there_are_never_more_than_may_be(void **state)
{
	struct ahead ahead;

	(void)state;
	begin(&ahead, HONEST);
	ahead_fill(&ahead, 100);
	assert_int_equal(ahead.n, AHEAD_MAX);
	hear_all(&ahead);
	ahead_drop(&ahead);
	assert_int_equal(ahead.n, 0);
	finish(&ahead);
}

static void a_number_that_is_not_the_forks_is_not_believed(void **state)
{
	static const enum play lies[] = { SAYS_ITS_PARENT, SAYS_ALL, SAYS_READY };
	struct ahead_fork fork;
	struct ahead ahead;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		begin(&ahead, lies[i]);
		assert_int_equal(ahead_take(&ahead, &fork, &e), -1);
		assert_int_equal(e.kind, ERR_LIMIT);
		finish(&ahead);
	}
}

static void the_servers_own_number_is_no_forks(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct ahead ahead;
	struct pollfd polls[AHEAD_MAX];
	struct err e;
	int ends[2];

	(void)state;
	begin(&ahead, HONEST);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	const int32_t word = ahead.server;
	assert_int_equal(guest_put(&out, GUEST_WAITS, &word, sizeof(word), &e), 0);
	assert_int_equal(guest_flush(&out, ends[1], &e), 1);
	ahead.forks[ahead.n++] = (struct ahead_fork){ .fd = ends[0], .processor = -1 };
	assert_int_equal(ahead_polls(&ahead, polls), 1);
	assert_int_equal(poll(polls, 1, 30000), 1);
	ahead_heard(&ahead, polls, 1);
	assert_int_equal(ahead.n, 0);
	assert_int_equal(kill(ahead.server, 0), 0);
	guest_writer_done(&out);
	close(ends[1]);
	finish(&ahead);
}

static void one_that_ends_while_it_waits_is_taken_out(void **state)
{
	struct pollfd polls[AHEAD_MAX];
	struct ahead ahead;

	(void)state;
	begin(&ahead, DIES_WAITING);
	ahead_fill(&ahead, 1);
	while (ahead.n) {
		assert_int_equal(ahead_polls(&ahead, polls), 1);
		assert_true(poll(polls, 1, 30000) == 1);
		ahead_heard(&ahead, polls, 1);
	}
	finish(&ahead);
}

static void one_that_was_reaped_has_no_number(void **state)
{
	struct ahead_fork fork;
	struct ahead ahead;
	struct err e;

	(void)state;
	begin(&ahead, HONEST);
	ahead_fill(&ahead, 1);
	hear_all(&ahead);
	assert_int_equal(ahead.n, 1);
	kill(ahead.forks[0].pid, SIGKILL);
	while (ahead.forks[0].pid > 0)
		ahead_reap(&ahead);
	/* It is not handed out, and what has its number by now is not killed. */
	assert_int_equal(ahead_take(&ahead, &fork, &e), 0);
	assert_true(fork.pid > 0 && kill(fork.pid, 0) == 0);
	ahead_end(&ahead, &fork);
	finish(&ahead);
}

static void a_guest_that_may_not_fork_or_is_gone_is_told_apart(void **state)
{
	struct ahead_fork fork;
	struct ahead ahead;
	struct err e;
	int status;

	(void)state;
	begin(&ahead, REFUSES);
	assert_int_equal(ahead_take(&ahead, &fork, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(ahead.most, 1);
	finish(&ahead);

	begin(&ahead, GOES);
	assert_int_equal(waitpid(ahead.server, &status, 0), ahead.server);
	assert_int_equal(ahead_take(&ahead, &fork, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	finish(&ahead);
}

static void both_meet_on_one_processor_and_part_again(void **state)
{
	cpu_set_t of;
	struct ahead_fork fork;
	struct ahead ahead;
	struct err e;

	(void)state;
	begin(&ahead, HONEST);
	if (!ahead.places) {
		finish(&ahead);
		print_message("one processor alone\n");
		skip();
	}
	assert_int_equal(ahead_take(&ahead, &fork, &e), 0);
	ahead_gather(&ahead, &fork);
	assert_int_equal(sched_getaffinity(fork.pid, sizeof(of), &of), 0);
	assert_true(CPU_COUNT(&of) == 1 && CPU_ISSET((unsigned)sched_getcpu(), &of));
	ahead_spread(&ahead, &fork);
	assert_int_equal(sched_getaffinity(fork.pid, sizeof(of), &of), 0);
	assert_true(CPU_EQUAL(&of, &ahead.everywhere));
	assert_int_equal(sched_getaffinity(0, sizeof(of), &of), 0);
	assert_true(CPU_EQUAL(&of, &ahead.everywhere));
	ahead_end(&ahead, &fork);
	finish(&ahead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_handed_out_once),
		cmocka_unit_test(one_is_made_when_none_waits),
		cmocka_unit_test(there_are_never_more_than_may_be),
		cmocka_unit_test(a_number_that_is_not_the_forks_is_not_believed),
		cmocka_unit_test(the_servers_own_number_is_no_forks),
		cmocka_unit_test(one_that_ends_while_it_waits_is_taken_out),
		cmocka_unit_test(one_that_was_reaped_has_no_number),
		cmocka_unit_test(a_guest_that_may_not_fork_or_is_gone_is_told_apart),
		cmocka_unit_test(both_meet_on_one_processor_and_part_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
