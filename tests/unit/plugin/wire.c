/* plugin/wire: frames, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "plugin/wire.h"

struct pair {
	struct wire a, b;
};

static struct pair make_pair(void)
{
	int ends[2] = { -1, -1 };
	struct err e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fd_set_nonblock(ends[0], &e), 0);
	return (struct pair){ { .fd = ends[0] }, { .fd = ends[1] } };
}

static void pair_done(struct pair *pair)
{
	wire_done(&pair->a);
	wire_done(&pair->b);
}

static void a_frame_arrives_as_it_was_sent(void **state)
{
	static const uint64_t most[] = { 8, 8, 8 };
	__attribute__((cleanup(pair_done))) struct pair pair = make_pair();
	const struct wire_frame sent = { .kind = WIRE_ASK, .word = -3, .len = { 3, 0, 8 }, .part = { "abc", NULL, "12345678" } };
	struct wire_frame got;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wire_send(&pair.b, &sent, 0, &e), 0);
	assert_int_equal(wire_receive(&pair.a, most, &got, loop_now_us() + 10000000, &e), 0);
	assert_int_equal(got.kind, WIRE_ASK);
	assert_int_equal(got.word, -3);
	assert_string_equal(got.part[0], "abc");
	assert_string_equal(got.part[1], "");
	assert_string_equal(got.part[2], "12345678");
}

static void a_part_that_is_too_long_is_not_read(void **state)
{
	static const uint64_t most[] = { 2, 8, 8 };
	__attribute__((cleanup(pair_done))) struct pair pair = make_pair();
	const struct wire_frame sent = { .kind = WIRE_ASK, .len = { 3 }, .part = { "abc" } };
	struct wire_frame got;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wire_send(&pair.b, &sent, 0, &e), 0);
	assert_int_equal(wire_receive(&pair.a, most, &got, loop_now_us() + 10000000, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

static void who_says_nothing_is_late(void **state)
{
	static const uint64_t most[] = { 8, 8, 8 };
	__attribute__((cleanup(pair_done))) struct pair pair = make_pair();
	struct wire_frame got;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(write(pair.b.fd, "half", 4), 4);
	assert_int_equal(wire_receive(&pair.a, most, &got, loop_now_us() + 1000, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void who_does_not_read_is_late(void **state)
{
	__attribute__((cleanup(pair_done))) struct pair pair = make_pair();
	OWN_MEM char *large = mem_alloc(8 << 20);
	const struct wire_frame frame = { .kind = WIRE_CALL, .len = { 8 << 20 }, .part = { large } };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wire_send(&pair.a, &frame, loop_now_us() + 1000, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void who_is_gone_is_gone(void **state)
{
	static const uint64_t most[] = { 8, 8, 8 };
	__attribute__((cleanup(pair_done))) struct pair pair = make_pair();
	const struct wire_frame frame = { .kind = WIRE_CALL };
	struct wire_frame got;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wire_send(&pair.a, &frame, 0, &e), 0);
	fd_close_at(&pair.b.fd); /* with something unread, so that the kernel says "reset" */
	assert_int_equal(wire_receive(&pair.a, most, &got, 0, &e), -1);
	assert_int_equal(e.sys, 32); /* EPIPE */
	assert_int_equal(wire_send(&pair.a, &frame, 0, &e), -1);
	assert_int_equal(e.sys, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_arrives_as_it_was_sent),
		cmocka_unit_test(a_part_that_is_too_long_is_not_read),
		cmocka_unit_test(who_says_nothing_is_late),
		cmocka_unit_test(who_does_not_read_is_late),
		cmocka_unit_test(who_is_gone_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
