/* engine/pump: every byte once, in order, never more than the budget, never waiting. */
#include "engine/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static struct pump_end outer_end(int fd, int flags)
{
	struct pump_end end;
	struct err e;

	assert_int_equal(pump_outer_end(fd, flags, &end, &e), 0);
	return end;
}

/* The two ends of something bytes can flow through; [0] to read from. */
enum kind { PIPE, SOCKET, FILE_, KINDS };

static void make(enum kind kind, int ends[2])
{
	if (kind == PIPE) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	} else if (kind == SOCKET) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	} else {
		ends[0] = memfd_create("file", MFD_CLOEXEC);
		ends[1] = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
	}
}

static char byte_at(size_t i)
{
	return (char)(i * 31 + i / 257);
}

/* Writes [from, to) of the pattern without waiting; returns how far it came. */
static size_t feed(int fd, size_t from, size_t to)
{
	char bytes[4096];

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	while (from < to) {
		const size_t n = to - from < sizeof(bytes) ? to - from : sizeof(bytes);
		ssize_t done;

		for (size_t i = 0; i < n; i++)
			bytes[i] = byte_at(from + i);
		done = write(fd, bytes, n);
		if (done <= 0)
			break;
		from += (size_t)done;
	}
	return from;
}

/* Reads what is there and compares it with the pattern; returns how far it came. */
static size_t eat(int fd, size_t from, size_t most)
{
	char bytes[4096];
	struct pollfd one = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (most && poll(&one, 1, 0) > 0) {
		n = read(fd, bytes, most < sizeof(bytes) ? most : sizeof(bytes));
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++, from++)
			assert_int_equal(bytes[i], byte_at(from));
		most -= (size_t)n;
	}
	return from;
}

/* One turn if what the pump wants is there. */
static bool turn(struct pump *pump)
{
	struct pollfd one;

	pump_wants(pump, &one.fd, &one.events);
	if (one.fd < 0 || poll(&one, 1, 0) <= 0)
		return false;
	pump_turn(pump);
	return true;
}

static struct pump *new_pump(int src, int dst, struct pump_budget *budget)
{
	struct pump *const pump = mem_alloc(sizeof(*pump));
	struct pump_end from, to;
	struct err e;

	if (budget) {
		assert_int_equal(pump_inner_end(src, false, &from, &e), 0);
		to = outer_end(dst, O_WRONLY);
	} else {
		assert_int_equal(pump_inner_end(dst, false, &to, &e), 0);
		from = outer_end(src, O_RDONLY);
	}
	pump_init(pump, from, to, budget);
	return pump;
}

static void free_pump(struct pump *pump)
{
	pump_done(pump);
	pump_done(pump);
	free(pump);
}

#define TOTAL 400000

static void output_arrives_whole_and_in_order_whatever_the_reader_is(void **state)
{
	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct pump_budget budget = { .left = UINT64_MAX };
		size_t fed = 0, eaten = 0;
		struct pump *pump;
		int src[2], dst[2];

		make(PIPE, src);
		make(kind, dst);
		pump = new_pump(src[0], dst[1], &budget);
		while (fed < TOTAL) {
			fed = feed(src[1], fed, TOTAL);
			while (turn(pump))
				assert_true(pump->len <= PUMP_BYTES);
			if (kind != FILE_)
				eaten = eat(dst[0], eaten, 7777); /* a slow reader */
		}
		close(src[1]);
		while (pump_is_open(pump))
			if (!turn(pump))
				eaten = eat(dst[0], eaten, 7777);
		if (kind == FILE_)
			lseek(dst[0], 0, SEEK_SET);
		assert_int_equal(eat(dst[0], eaten, TOTAL), TOTAL);
		assert_int_equal(budget.seen, TOTAL);
		assert_false(budget.over);
		free_pump(pump);
		close(dst[0]);
		close(dst[1]);
	}
}

static void input_arrives_whole_and_in_order_wherever_it_comes_from(void **state)
{
	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		size_t fed = 0, eaten = 0;
		struct pump *pump;
		int src[2], dst[2];

		make(kind, src);
		make(PIPE, dst);
		if (kind == FILE_) {
			fed = feed(src[1], 0, TOTAL);
			lseek(src[0], 0, SEEK_SET);
		}
		pump = new_pump(src[0], dst[1], NULL);
		while (fed < TOTAL || pump_is_open(pump)) {
			fed = feed(src[1], fed, TOTAL);
			if (fed == TOTAL)
				fd_close_at(&src[1]);
			while (turn(pump))
				;
			eaten = eat(dst[0], eaten, 7777);
		}
		assert_int_equal(eat(dst[0], eaten, TOTAL), TOTAL);
		free_pump(pump);
		close(src[0]);
		close(dst[0]);
	}
}

static void a_reader_that_does_not_read_stops_the_writer(void **state)
{
	struct pump_budget budget = { .left = UINT64_MAX };
	int src[2], dst[2];
	struct pump *pump;
	size_t fed = 0, before;

	(void)state;
	make(PIPE, src);
	make(SOCKET, dst);
	pump = new_pump(src[0], dst[1], &budget);
	do {
		before = fed;
		fed = feed(src[1], fed, 1 << 24);
		while (turn(pump))
			;
	} while (fed > before);
	assert_true(fed < 1 << 20);     /* two channels and one buffer */
	assert_false(turn(pump));
	free_pump(pump);
	close(src[1]);
	close(dst[0]);
	close(dst[1]);
}

static void two_streams_share_one_cap_to_the_byte(void **state)
{
	static const uint64_t caps[] = { 0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 100000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps) * KINDS; i++) {
		const uint64_t cap = caps[i / KINDS];
		struct pump_budget budget = { .left = cap };
		struct pump *pumps[2];
		int src[2][2], dst[2];
		uint64_t out = 0;
		char bytes[4096];
		ssize_t n;

		make(i % KINDS, dst);
		for (int k = 0; k < 2; k++) {
			make(PIPE, src[k]);
			pumps[k] = new_pump(src[k][0], dst[1], &budget);
		}
		for (int round = 0; round < 40; round++) {
			for (int k = 0; k < 2; k++) {
				feed(src[k][1], 0, 3000);
				while (turn(pumps[k]))
					;
			}
			if (i % KINDS == FILE_)
				continue;
			fcntl(dst[0], F_SETFL, O_NONBLOCK);
			while ((n = read(dst[0], bytes, sizeof(bytes))) > 0)
				out += (uint64_t)n;
		}
		if (i % KINDS == FILE_)
			out = (uint64_t)lseek(dst[0], 0, SEEK_END);
		assert_int_equal(out, cap);
		assert_int_equal(budget.seen, 240000);
		assert_true(budget.over);
		for (int k = 0; k < 2; k++) {
			free_pump(pumps[k]);
			close(src[k][1]);
		}
		close(dst[0]);
		close(dst[1]);
	}
}

static void a_reader_that_is_gone_ends_the_writer(void **state)
{
	(void)state;
	for (enum kind kind = PIPE; kind <= SOCKET; kind++) {
		struct pump_budget budget = { .left = UINT64_MAX };
		int src[2], dst[2];
		struct pump *pump;

		make(PIPE, src);
		make(kind, dst);
		pump = new_pump(src[0], dst[1], &budget);
		close(dst[0]);
		feed(src[1], 0, 10);
		assert_true(turn(pump));
		assert_true(pump->failed);
		assert_false(pump_is_open(pump));
		assert_int_equal(write(src[1], "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		free_pump(pump);
		close(src[1]);
		close(dst[1]);
	}
}

static void wards_own_streams_keep_their_flags(void **state)
{
	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct pump_end end;
		int ends[2];

		make(kind, ends);
		end = outer_end(ends[1], O_WRONLY);
		assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
		assert_int_equal(fcntl(end.fd, F_GETFL) & O_NONBLOCK,
				 kind == PIPE ? O_NONBLOCK : 0);
		assert_true(end.owned == (kind == PIPE));
		if (end.owned)
			close(end.fd);
		close(ends[0]);
		close(ends[1]);
	}
}

static void a_stream_that_cannot_be_looked_at_is_refused(void **state)
{
	struct pump_end end = PUMP_NO_END;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(pump_outer_end(1000, O_WRONLY, &end, &e), -1);
	assert_int_equal(e.sys, EBADF);
	assert_int_equal(pump_outer_end(-1, O_WRONLY, &end, &e), 0);
	assert_int_equal(end.fd, -1);
}

/* The open file of somebody else's pipe stays blocking: a write without room would never return. */
static void a_full_pipe_of_somebody_elses_is_not_waited_for(void **state)
{
	struct pump_budget budget = { .left = UINT64_MAX };
	int src[2], dst[2];
	struct pump *pump;
	size_t full;

	(void)state;
	make(PIPE, src);
	make(PIPE, dst);
	full = feed(dst[1], 0, 1 << 24);
	fcntl(dst[1], F_SETFL, 0);
	pump = new_pump(src[0], -1, &budget);
	pump->dst = (struct pump_end){ .fd = dst[1], .way = PUMP_CAREFUL, .is_pipe = true };
	feed(src[1], full, full + 10000);
	alarm(10);
	pump_turn(pump);
	assert_int_equal(eat(dst[0], 0, full), full);
	close(src[1]);
	while (pump_is_open(pump))
		pump_turn(pump);
	alarm(0);
	assert_int_equal(eat(dst[0], full, 20000), full + 10000);
	assert_int_equal(budget.seen, 10000);
	free_pump(pump);
	close(dst[0]);
	close(dst[1]);
}

static void without_a_destination_bytes_are_counted(void **state)
{
	struct pump_budget budget = { .left = 5 };
	int src[2];
	struct pump *pump;

	(void)state;
	make(PIPE, src);
	pump = new_pump(src[0], -1, &budget);
	feed(src[1], 0, 5);
	assert_true(turn(pump));
	assert_false(budget.over);
	feed(src[1], 0, 1);
	assert_true(turn(pump));
	assert_true(budget.over);
	assert_int_equal(budget.seen, 6);
	free_pump(pump);
	close(src[1]);
}

static void draining_takes_what_is_there_and_ends(void **state)
{
	struct pump_budget budget = { .left = UINT64_MAX };
	int src[2], dst[2];
	struct pump *pump;

	(void)state;
	make(PIPE, src);
	make(PIPE, dst);
	pump = new_pump(src[0], dst[1], &budget);
	feed(src[1], 0, 1000);
	pump->draining = true;
	while (pump_is_open(pump))      /* though the writer is still there */
		pump_turn(pump);
	assert_int_equal(eat(dst[0], 0, 2000), 1000);
	free_pump(pump);
	close(src[1]);
	close(dst[0]);
	close(dst[1]);
}

static void a_terminal_hears_of_the_end_of_the_input(void **state)
{
	int master, slave, in[2];
	struct pump *const pump = mem_alloc(sizeof(*pump));
	struct pump_end to;
	struct err e;
	char line[16];

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	make(PIPE, in);
	assert_int_equal(pump_inner_end(master, true, &to, &e), 0);
	pump_init(pump, outer_end(in[0], O_RDONLY), to, NULL);
	assert_int_equal(write(in[1], "half", 4), 4);
	close(in[1]);
	while (pump_is_open(pump) && turn(pump))
		if (pump->ended && !pump->len)
			break;
	assert_false(pump_is_open(pump));
	free_pump(pump);
	/* The master is closed by now: without the end-of-file characters this would be EIO. */
	assert_true(read(slave, line, sizeof(line)) <= 4);
	close(slave);
	close(in[0]);
}

static void a_terminal_nobody_has_open_is_asked_again_later(void **state)
{
	struct pump_budget budget = { .left = UINT64_MAX };
	struct pump *const pump = mem_alloc(sizeof(*pump));
	struct pump_end from;
	struct err e;
	int master, slave, fd;
	short events;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	close(slave);
	assert_int_equal(pump_inner_end(master, true, &from, &e), 0);
	pump_init(pump, from, PUMP_NO_END, &budget);
	pump_turn(pump);
	assert_true(pump_is_open(pump));
	assert_true(pump->wake_us > 0);
	pump_wants(pump, &fd, &events);
	assert_int_equal(fd, -1);
	pump->draining = true;
	pump_turn(pump);
	assert_false(pump_is_open(pump));
	free_pump(pump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_arrives_whole_and_in_order_whatever_the_reader_is),
		cmocka_unit_test(input_arrives_whole_and_in_order_wherever_it_comes_from),
		cmocka_unit_test(a_reader_that_does_not_read_stops_the_writer),
		cmocka_unit_test(two_streams_share_one_cap_to_the_byte),
		cmocka_unit_test(a_reader_that_is_gone_ends_the_writer),
		cmocka_unit_test(wards_own_streams_keep_their_flags),
		cmocka_unit_test(a_stream_that_cannot_be_looked_at_is_refused),
		cmocka_unit_test(a_full_pipe_of_somebody_elses_is_not_waited_for),
		cmocka_unit_test(without_a_destination_bytes_are_counted),
		cmocka_unit_test(draining_takes_what_is_there_and_ends),
		cmocka_unit_test(a_terminal_hears_of_the_end_of_the_input),
		cmocka_unit_test(a_terminal_nobody_has_open_is_asked_again_later),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
