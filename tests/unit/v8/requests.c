/* v8/requests: each line has one line of an answer, in order, whatever the fork for it does; and how that ended is what the
 * kernel says. The guest that serves is played here. */
#include "v8/requests.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static void say(int fd, enum guest_kind kind, const char *bytes, size_t len)
{
	struct guest_writer out = { .at = 0 };
	struct err e;

	if (guest_put(&out, kind, bytes, len, &e) < 0 || guest_flush(&out, fd, &e) <= 0)
		_exit(ISOLATE_CODE_CHANNEL);
	guest_writer_done(&out);
}

static _Noreturn void say_why(int fd)
{
	const struct guest_why why = { .line = 3, .column = 7, .file = "/main.mjs", .text = "mine\033[2J" };
	struct guest_writer out = { .at = 0 };
	struct err e;

	if (guest_put_why(&out, &why, &e) < 0 || guest_flush(&out, fd, &e) <= 0)
		_exit(ISOLATE_CODE_CHANNEL);
	_exit(ISOLATE_CODE_ERROR);
}

/* What a request asks its fork to do, in its first letter. */
static _Noreturn void answer(int fd, const struct guest_frame *frame)
{
	static const uint32_t no_frame[2] = { GUEST_KINDS, 0 };

	switch (frame->bytes[0]) {
	case 'e':
		say(fd, GUEST_RESULT, NULL, 0);
		break;
	case 'w':
		say_why(fd);
	case 'c':
		raise(SIGPROF);
		break;
	case 't':
		raise(SIGALRM);
		break;
	case 's':
		signal(SIGSYS, SIG_DFL); /* cmocka has a handler for it */
		raise(SIGSYS);
		break;
	case 'm':
		_exit(ISOLATE_CODE_MEMORY);
	case 'k':
		raise(SIGKILL);
		break;
	case 'l': /* a line of its own making */
		say(fd, GUEST_RESULT, "1}\n{\"result\":2", 14);
		break;
	case 'n':
		(void)!write(fd, no_frame, sizeof(no_frame));
		break;
	case 'p': /* until it is ended */
		pause();
		break;
	default:
		say(fd, GUEST_STDOUT, "printed\n", 8);
		say(fd, GUEST_RESULT, frame->bytes, frame->len);
	}
	_exit(ISOLATE_CODE_OK);
}

/* As the seals do; streams are for its owner to close. */
static int keep(int fd)
{
	dup2(fd, 3);
	close_range(4, ~0u, 0);
	return 3;
}

static _Noreturn void wait_there(int fd)
{
	const int32_t pid = getpid();
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	struct err e;

	say(fd, GUEST_WAITS, (const char *)&pid, sizeof(pid));
	while (guest_next(&reader, false, &frame, &e) == 0)
		if (guest_read(&reader, fd, &e) <= 0)
			_exit(ISOLATE_CODE_CHANNEL);
	answer(fd, &frame);
}

enum play { SERVES, THROWS, ENDS };
static enum play play;

static _Noreturn void serve(int control)
{
	char head[8];
	struct err e;
	size_t n = 0;
	int fd = -1;

	if (play == THROWS)
		say_why(control);
	if (play == ENDS)
		_exit(ISOLATE_CODE_MEMORY);
	say(control, GUEST_READY, NULL, 0);
	while (fd_receive(control, head, sizeof(head), &fd, 1, &n, &e) == sizeof(head)) {
		if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0)
			wait_there(keep(fd));
		close(fd);
		fd = -1;
		n = 0;
	}
	_exit(ISOLATE_CODE_OK);
}

int nursery_fork(const struct nursery *nursery, const struct isolate_limits *limits, bool serves, int channel_fd, struct err *e)
{
	const pid_t pid = fork();

	(void)nursery;
	(void)limits;
	if (pid == 0 && serves)
		serve(keep(channel_fd));
	return pid < 0 ? err_sys(e, "fork") : pid;
}

struct run {
	char out[4096], err[4096];
	int status;
};

static void read_all(int fd, char *out, size_t cap)
{
	size_t have = 0;
	ssize_t got;

	while (have < cap - 1 && (got = read(fd, out + have, cap - 1 - have)) > 0)
		have += (size_t)got;
	out[have] = '\0';
	close(fd);
}

/* In a process of its own, with these lines as its standard input. */
static struct run run(enum play how, const char *lines, uint64_t wall_us)
{
	static const char *const argv[] = { "main.mjs", NULL };
	const struct guest_job job = { .requests = true, .name = "/main.mjs", .argv = argv, .limits = { .wall_us = wall_us } };
	struct owner owner = { .job = &job };
	int in[2], out[2], err[2];
	struct ahead ahead;
	struct run run;

	play = how;
	assert_true(pipe(in) == 0 && pipe(out) == 0 && pipe(err) == 0);
	const pid_t pid = fork();

	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		close_range(3, ~0u, 0);
		ahead_open(&ahead);
		requests_run(&owner, &ahead);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	assert_int_equal(write(in[1], lines, strlen(lines)), strlen(lines));
	close(in[1]);
	read_all(out[0], run.out, sizeof(run.out));
	read_all(err[0], run.err, sizeof(run.err));
	assert_true(waitpid(pid, &run.status, 0) == pid);
	return run;
}

static void each_line_has_its_answer_in_order(void **state)
{
	const struct run done = run(SERVES, "1\n\n[2,3]\ne\n\"last, without an end\"", 0);

	(void)state;
	assert_string_equal(done.out, "{\"result\":1}\n{\"result\":[2,3]}\n{\"result\":null}\n{\"result\":\"last, without an end\"}\n");
	assert_string_equal(done.err, "printed\nprinted\nprinted\n");
	assert_int_equal(done.status, 0);
}

static void many_at_once_are_answered_one_by_one(void **state)
{
	char lines[200], want[2000] = "", *at = lines;

	(void)state;
	for (int i = 0; i < 40; i++) {
		at += snprintf(at, 8, "%d\n", i + 10);
		snprintf(want + strlen(want), 32, "{\"result\":%d}\n", i + 10);
	}
	assert_string_equal(run(SERVES, lines, 0).out, want);
}

static void an_end_without_an_answer_is_the_kernels_word(void **state)
{
	static const struct {
		const char *line, *kind;
	} rows[] = {
		{ "c\n", "limit.cpu" }, { "t\n", "limit.wall" }, { "s\n", "denied.syscall" }, { "m\n", "limit.memory" },
		{ "k\n", "limit.memory" }, { "l\n", "internal" }, { "n\n", "internal" },
	};
	char lines[64], kind[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(lines, sizeof(lines), "%s7\n", rows[i].line);
		snprintf(kind, sizeof(kind), "{\"error\":{\"kind\":\"%s\",", rows[i].kind);
		const struct run done = run(SERVES, lines, 0);
		const char *const next = strchr(done.out, '\n');

		if (strncmp(done.out, kind, strlen(kind)) != 0)
			print_message("%s%s", rows[i].line, done.out);
		assert_true(strncmp(done.out, kind, strlen(kind)) == 0);
		assert_true(next && strcmp(next, "\n{\"result\":7}\n") == 0);
		assert_int_equal(done.status, 0);
	}
}

static void what_is_thrown_is_told_where_and_without_its_bytes_for_terminals(void **state)
{
	const struct run done = run(SERVES, "w\n7\n", 0);

	(void)state;
	assert_non_null(strstr(done.out, "\"kind\":\"error\",\"text\":\"main.mjs:3:7: mine"));
	assert_null(strchr(done.out, '\033'));
	assert_non_null(strstr(done.out, "\n{\"result\":7}\n"));
}

static void one_that_takes_too_long_is_ended_and_the_next_is_answered(void **state)
{
	const struct run done = run(SERVES, "p\n7\n", 30000);

	(void)state;
	assert_true(strncmp(done.out, "{\"error\":{\"kind\":\"limit.wall\",", 30) == 0);
	assert_non_null(strstr(done.out, "\n{\"result\":7}\n"));
}

static void a_script_that_does_not_come_to_serve_is_the_runs_failure(void **state)
{
	struct run done = run(THROWS, "1\n", 0);

	(void)state;
	assert_string_equal(done.out, "");
	assert_true(WIFEXITED(done.status) && WEXITSTATUS(done.status) == 1);
	assert_non_null(strstr(done.err, "main.mjs:3:7: mine"));
	done = run(ENDS, "1\n", 0);
	assert_true(WIFSIGNALED(done.status) && WTERMSIG(done.status) == SIGSTKFLT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_its_answer_in_order),
		cmocka_unit_test(many_at_once_are_answered_one_by_one),
		cmocka_unit_test(an_end_without_an_answer_is_the_kernels_word),
		cmocka_unit_test(what_is_thrown_is_told_where_and_without_its_bytes_for_terminals),
		cmocka_unit_test(one_that_takes_too_long_is_ended_and_the_next_is_answered),
		cmocka_unit_test(a_script_that_does_not_come_to_serve_is_the_runs_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
