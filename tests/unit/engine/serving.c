/* engine/serving: forks are ordered, believed when they say what they should and nothing else, and handed out once. The guest
 * and its zygote are played here. */
#include "engine/serving.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

#define GUEST 5
#define AHEAD 3

/* What isolates were told. */
static struct {
	uint64_t next, killed, gone, late;      /* one that has ended since; one that the zygote has not taken yet */
	int32_t pid;
	size_t n_killed;
} told;

int isolates_adopt(struct isolates *isolates, uint64_t of, int32_t pid, const struct isolate_limits *limits, uint64_t *id,
		   struct err *e)
{
	(void)isolates;
	(void)e;
	assert_int_equal(of, GUEST);
	assert_int_equal(limits->cpu_us, 1000);
	told.pid = pid;
	*id = ++told.next;
	return 0;
}

enum isolates_handed isolates_hand_out(struct isolates *isolates, uint64_t id)
{
	(void)isolates;
	return id == told.gone ? ISOLATES_GONE : id == told.late ? ISOLATES_NOT_YET : ISOLATES_HANDED_OUT;
}

void isolates_kill(struct isolates *isolates, uint64_t id)
{
	(void)isolates;
	told.killed = id;
	told.n_killed++;
}

struct play {
	struct serving *serving;
	int guest;              /* where it reads its orders */
};

static struct play begin(void)
{
	const struct isolate_limits limits = { .memory_bytes = 64u << 20, .cpu_us = 1000, .wall_us = 1000 };
	int ends[2];

	memset(&told, 0, sizeof(told));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	return (struct play){ serving_new(NULL, GUEST, ends[0], &limits, AHEAD), ends[1] };
}

static void end(const struct play *play)
{
	serving_free(play->serving);
	fd_close(play->guest);
}

/* The channel of the next fork that was ordered; -1: none was. */
static int ordered(const struct play *play)
{
	uint32_t head[2] = { GUEST_KINDS };
	struct err e = ERR_INIT;
	size_t n = 0;
	int fd = -1;

	if (poll(&(struct pollfd){ .fd = play->guest, .events = POLLIN }, 1, 0) <= 0)
		return -1;
	assert_int_equal(fd_receive(play->guest, head, sizeof(head), &fd, 1, &n, &e), sizeof(head));
	assert_true(head[0] == GUEST_SERVE && head[1] == 0 && n == 1);
	return fd;
}

static void say(int fd, enum guest_kind kind, const void *bytes, size_t len)
{
	struct guest_writer out = { .at = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(guest_put(&out, kind, bytes, len, &e), 0);
	assert_int_equal(guest_flush(&out, fd, &e), 1);
	guest_writer_done(&out);
}

static void so_many_are_ordered_as_shall_wait(void **state)
{
	const struct play play = begin();
	int fds[AHEAD];

	(void)state;
	assert_true(serving_turn(play.serving) && serving_turn(play.serving));
	for (size_t i = 0; i < AHEAD; i++)
		assert_true((fds[i] = ordered(&play)) >= 0);
	assert_int_equal(ordered(&play), -1);
	close(fds[0]); /* it could not be made: another is */
	assert_true(serving_turn(play.serving));
	assert_true((fds[0] = ordered(&play)) >= 0);
	assert_int_equal(ordered(&play), -1);
	for (size_t i = 0; i < AHEAD; i++)
		close(fds[i]);
	end(&play);
}

static void one_that_waits_is_handed_out_once_and_asked(void **state)
{
	const struct play play = begin();
	struct serving_fork fork, other;
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	struct err e = ERR_INIT;
	const int32_t pid = 77;

	(void)state;
	assert_true(serving_turn(play.serving));
	const int theirs = ordered(&play);
	assert_false(serving_take(play.serving, &fork));
	say(theirs, GUEST_WAITS, &pid, sizeof(pid));
	assert_true(serving_turn(play.serving));
	assert_int_equal(told.pid, pid);
	told.late = 1;
	assert_false(serving_take(play.serving, &fork));
	told.late = 0;
	assert_true(serving_take(play.serving, &fork) && fork.id == 1);
	assert_false(serving_take(play.serving, &other));
	assert_int_equal(serving_ask(&fork, "{\"n\":1}", 7, &e), 0);
	assert_int_equal(guest_read(&reader, theirs, &e), 1);
	assert_int_equal(guest_next(&reader, false, &frame, &e), 1);
	assert_true(frame.kind == GUEST_REQUEST && frame.len == 7 && memcmp(frame.bytes, "{\"n\":1}", 7) == 0);
	assert_int_equal(told.n_killed, 0);
	guest_reader_done(&reader);
	close(fork.fd);
	close(theirs);
	end(&play);
}

static void one_that_says_anything_else_is_not_had(void **state)
{
	static const struct {
		enum guest_kind kind;
		size_t len, times;      /* 0 times: it ends */
	} rows[] = {
		{ GUEST_RESULT, 4, 1 }, { GUEST_WAITS, 3, 1 }, { GUEST_WAITS, 4, 2 }, { GUEST_READY, 0, 1 }, { GUEST_WAITS, 4, 0 },
	};
	const int32_t pid = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct play play = begin();
		struct serving_fork fork;

		assert_true(serving_turn(play.serving));
		const int theirs = ordered(&play);
		for (size_t k = 0; k < rows[i].times; k++)
			say(theirs, rows[i].kind, &pid, rows[i].len);
		if (!rows[i].times)
			shutdown(theirs, SHUT_WR);
		assert_true(serving_turn(play.serving));
		assert_int_equal(told.next, 0);
		assert_false(serving_take(play.serving, &fork));
		close(theirs);
		end(&play);
	}
}

static void one_that_spoke_before_it_was_asked_is_killed(void **state)
{
	const struct play play = begin();
	struct serving_fork fork;
	const int32_t pid = 77;

	(void)state;
	assert_true(serving_turn(play.serving));
	const int theirs = ordered(&play);
	say(theirs, GUEST_WAITS, &pid, sizeof(pid));
	assert_true(serving_turn(play.serving));
	say(theirs, GUEST_RESULT, "1", 1);
	assert_true(serving_turn(play.serving));
	assert_true(told.n_killed == 1 && told.killed == 1);
	assert_false(serving_take(play.serving, &fork));
	close(theirs);
	end(&play);
}

static void one_that_has_ended_is_not_handed_out(void **state)
{
	const struct play play = begin();
	struct serving_fork fork;
	int theirs[2];

	(void)state;
	assert_true(serving_turn(play.serving));
	for (int32_t i = 0; i < 2; i++) {
		theirs[i] = ordered(&play);
		say(theirs[i], GUEST_WAITS, &i, sizeof(i));
	}
	assert_true(serving_turn(play.serving));
	told.gone = 1;
	assert_true(serving_take(play.serving, &fork) && fork.id == 2);
	close(fork.fd);
	close(theirs[0]);
	close(theirs[1]);
	end(&play);
}

static void those_that_wait_outlive_the_guest_and_end_with_its_owner(void **state)
{
	struct play play = begin();
	const int32_t pid = 77;

	(void)state;
	assert_true(serving_turn(play.serving));
	const int theirs = ordered(&play);
	say(theirs, GUEST_WAITS, &pid, sizeof(pid));
	fd_close_at(&play.guest);
	assert_false(serving_turn(play.serving));
	assert_int_equal(told.n_killed, 0);
	close(theirs);
	end(&play);
	assert_true(told.n_killed == 2 && told.killed == GUEST);
	serving_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_are_ordered_as_shall_wait),
		cmocka_unit_test(one_that_waits_is_handed_out_once_and_asked),
		cmocka_unit_test(one_that_says_anything_else_is_not_had),
		cmocka_unit_test(one_that_spoke_before_it_was_asked_is_killed),
		cmocka_unit_test(one_that_has_ended_is_not_handed_out),
		cmocka_unit_test(those_that_wait_outlive_the_guest_and_end_with_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
