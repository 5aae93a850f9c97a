/* monitor/init and note_send of monitor/walk: a box's first process after the program was started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../mech/child.h"
#include "base/mem.h"
#include "monitor/client.h"
#include "monitor/walk.h"

static int channel[2];

/* A first process whose program runs body; returns its pid. As in a box, signals wait for it from its first
 * instruction on, and its program starts with none blocked. */
static pid_t start(void (*body)(void))
{
	sigset_t all, before;
	pid_t first;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0);
	sigfillset(&all);
	EXPECT(sigprocmask(SIG_BLOCK, &all, &before) == 0);
	first = fork();
	if (first == 0) {
		const pid_t program = fork();

		if (program == 0) {
			sigprocmask(SIG_SETMASK, &before, NULL);
			close(channel[0]);
			close(channel[1]);
			body();
			_exit(0);
		}
		init_live(channel[1], program, true);
	}
	EXPECT(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	close(channel[1]);
	return first;
}

static struct box_note next_note(void)
{
	struct box_note note;

	EXPECT(recv(channel[0], &note, sizeof(note), 0) == sizeof(note));
	return note;
}

static void expect_gone(pid_t first)
{
	struct box_note note;
	int status = -1;

	EXPECT(recv(channel[0], &note, sizeof(note), 0) == 0);
	EXPECT(waitpid(first, &status, 0) == first && status == 0);
}

static void exit_with_three(void)
{
	_exit(3);
}

static void tell_the_end(void)
{
	const pid_t first = start(exit_with_three);
	const struct box_note note = next_note();

	EXPECT(note.kind == BOX_ENDED && WIFEXITED((int)note.value) && WEXITSTATUS((int)note.value) == 3);
	EXPECT(note.rss_peak_bytes > 0);
	expect_gone(first);
}

static void the_programs_end_is_told_once(void **state)
{
	(void)state;
	child_succeeds(tell_the_end);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void forward_signals(void)
{
	static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++) {
		const pid_t first = start(wait_for_ever);
		struct box_note note;

		EXPECT(kill(first, forwarded[i]) == 0);
		note = next_note();
		EXPECT(note.kind == BOX_ENDED && WIFSIGNALED((int)note.value));
		EXPECT(WTERMSIG((int)note.value) == forwarded[i]);
		expect_gone(first);
		close(channel[0]);
	}
}

static void signals_go_to_the_program(void **state)
{
	(void)state;
	child_succeeds(forward_signals);
}

static int held[2], stay[2];

/* The program lets its streams go and stays: who then still holds them is the first process. */
static void close_and_stay(void)
{
	char byte;

	close(held[0]);
	close(held[1]);
	close(stay[1]);
	EXPECT(read(stay[0], &byte, 1) == 0);
}

static void let_go(void)
{
	pid_t first;
	char byte;

	EXPECT(pipe(held) == 0 && pipe(stay) == 0);
	first = start(close_and_stay);
	close(held[1]);
	EXPECT(read(held[0], &byte, 1) == 0);
	close(stay[1]);
	EXPECT(next_note().kind == BOX_ENDED);
	expect_gone(first);
}

static void the_first_process_holds_no_stream_of_the_programs(void **state)
{
	(void)state;
	child_succeeds(let_go);
}

/* ---- notes ---- */

static void a_note_arrives_whole_and_with_its_descriptor(void **state)
{
	const struct box_note sent = { .kind = BOX_STARTED, .value = -5, .layers = 7 };
	struct box box = BOX_NONE;
	struct box_note note;
	struct err e = ERR_INIT;
	int fd = -1, pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	box.note_fd = pair[0];
	note_send(pair[1], &sent, 0);
	assert_int_equal(mon_read_note(&box, &note, &fd, &e), 1);
	assert_true(note.kind == BOX_STARTED && note.value == -5 && note.layers == 7);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	note_send(pair[1], &sent, -1);
	assert_int_equal(mon_read_note(&box, &note, &fd, &e), 1);
	assert_int_equal(fd, -1);
	close(pair[1]);
	assert_int_equal(mon_read_note(&box, &note, &fd, &e), 0);
	note_send(pair[1], &sent, -1); /* nobody is there: no signal, no wait */
	close(pair[0]);
}

static void what_is_no_note_is_refused_and_keeps_no_descriptor(void **state)
{
	static const struct {
		uint32_t kind;
		size_t len;
	} rows[] = { { BOX_NOTES, sizeof(struct box_note) }, { UINT32_MAX, sizeof(struct box_note) },
		     { BOX_ENDED, sizeof(struct box_note) - 1 }, { BOX_ENDED, sizeof(struct box_note) + 1 },
		     { BOX_ENDED, 1 } };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct { struct box_note note; char more[8]; } sent = { .note.kind = rows[i].kind };
		const struct box box = { .control_fd = -1, .note_fd = pair[0] };
		struct box_note note;
		struct err e = ERR_INIT;
		int fd = -1;

		assert_int_equal(send(pair[1], &sent, rows[i].len, 0), rows[i].len);
		assert_int_equal(mon_read_note(&box, &note, &fd, &e), -1);
		assert_int_equal(e.kind, ERR_BUG);
	}
	close(pair[0]);
	close(pair[1]);
}

/* The text comes from inside: it must end. */
static void a_notes_text_is_always_terminated(void **state)
{
	struct box_note sent = { .kind = BOX_FAILED }, note;
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	int fd, pair[2];

	(void)state;
	memset(sent.err.text, 'a', sizeof(sent.err.text));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	box.note_fd = pair[0];
	note_send(pair[1], &sent, -1);
	assert_int_equal(mon_read_note(&box, &note, &fd, &e), 1);
	assert_int_equal(strlen(note.err.text), sizeof(note.err.text) - 1);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_programs_end_is_told_once),
		cmocka_unit_test(signals_go_to_the_program),
		cmocka_unit_test(the_first_process_holds_no_stream_of_the_programs),
		cmocka_unit_test(a_note_arrives_whole_and_with_its_descriptor),
		cmocka_unit_test(what_is_no_note_is_refused_and_keeps_no_descriptor),
		cmocka_unit_test(a_notes_text_is_always_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
