/* isolate/channel: frames come out as they went in, however they are cut, and nothing else does. */
#include "isolate/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

#define OWN_READER __attribute__((cleanup(guest_reader_done))) struct guest_reader
#define OWN_WRITER __attribute__((cleanup(guest_writer_done))) struct guest_writer

static void frames_come_out_as_they_went_in_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 40; piece++) {
		OWN_READER reader = { .at = 0 };
		OWN_WRITER writer = { .at = 0 };
		struct guest_frame frame;
		struct err e = ERR_INIT;
		size_t seen = 0;
		int ends[2];

		assert_int_equal(fd_pipe(ends, &e), 0);
		assert_int_equal(guest_put_named(&writer, GUEST_MODULE, "/a.mjs", "export {}", 9, &e), 0);
		assert_int_equal(guest_put(&writer, GUEST_INPUT, NULL, 0, &e), 0);
		assert_int_equal(guest_put(&writer, GUEST_ARG, "x\0y", 3, &e), 0);
		for (size_t at = 0; at < writer.len; at += piece) {
			const size_t n = writer.len - at < piece ? writer.len - at : piece;

			assert_int_equal(write(ends[1], writer.bytes + at, n), (ssize_t)n);
			assert_int_equal(guest_read(&reader, ends[0], &e), 1);
			while (guest_next(&reader, false, &frame, &e) == 1)
				seen += frame.kind == (const enum guest_kind[]){ GUEST_MODULE, GUEST_INPUT, GUEST_ARG }[seen];
		}
		assert_int_equal(seen, 3);
		assert_int_equal(frame.len, 3);
		assert_memory_equal(frame.bytes, "x\0y", 3);
		close(ends[1]);
		assert_int_equal(guest_read(&reader, ends[0], &e), 0);
		close(ends[0]);
	}
}

static size_t open_of(const int *fds, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += fcntl(fds[i], F_GETFD) == FD_CLOEXEC;
	return open;
}

static void descriptors_come_with_their_frame_and_no_more_than_are_taken(void **state)
{
	const int streams[3] = { STDIN_FILENO, STDIN_FILENO, STDIN_FILENO };
	OWN_READER reader = { .at = 0 };
	struct guest_frame frame;
	struct err e = ERR_INIT;
	int ends[2], fds[3];
	size_t n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(guest_send_streams(ends[0], streams, &e), 0);
	assert_int_equal(guest_read_fds(&reader, ends[1], fds, 3, &n, &e), 1);
	assert_int_equal(guest_next(&reader, false, &frame, &e), 1);
	assert_int_equal(frame.kind, GUEST_STREAMS);
	assert_int_equal(n, 3);
	assert_int_equal(open_of(fds, 3), 3);
	/* One is kept, then three come where there is room for two. */
	close(fds[1]);
	close(fds[2]);
	n = 1;
	assert_int_equal(guest_send_streams(ends[0], streams, &e), 0);
	assert_int_equal(guest_read_fds(&reader, ends[1], fds, 3, &n, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(n, 1);
	assert_int_equal(open_of(fds, 3), 1);
	close(fds[0]);
	close(ends[0]);
	close(ends[1]);
}

static int feed(const void *bytes, size_t len, bool from_guest, struct guest_frame *frame, struct err *e)
{
	static struct guest_reader reader;
	int ends[2], rc;

	guest_reader_done(&reader);
	assert_int_equal(fd_pipe(ends, e), 0);
	assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
	close(ends[1]);
	rc = guest_read(&reader, ends[0], e);
	rc = rc < 0 ? rc : guest_next(&reader, from_guest, frame, e);
	close(ends[0]);
	return rc;
}

static void what_no_peer_sends_is_refused(void **state)
{
	static const struct {
		uint32_t head[2];
		bool from_guest;
		enum err_kind kind;
	} rows[] = {
		{ { GUEST_KINDS, 0 }, true, ERR_USAGE },
		{ { UINT32_MAX, 0 }, false, ERR_USAGE },
		{ { GUEST_RUN, 4 }, true, ERR_USAGE },          /* an owner's, from a guest */
		{ { GUEST_RESULT, 4 }, false, ERR_USAGE },      /* a guest's, from an owner */
		{ { GUEST_STDOUT, (64u << 10) + 1 }, true, ERR_LIMIT },
		{ { GUEST_RESULT, UINT32_MAX }, true, ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		struct guest_frame frame;

		assert_int_equal(feed(rows[i].head, sizeof(rows[i].head), rows[i].from_guest, &frame, &e), -1);
		assert_int_equal(e.kind, rows[i].kind);
	}
}

static void half_a_frame_is_none(void **state)
{
	const uint32_t head[] = { GUEST_RESULT, 1 };
	struct guest_frame frame;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(feed(head, sizeof(head), true, &frame, &e), 0);
	assert_int_equal(feed(head, sizeof(head) - 1, true, &frame, &e), 0);
}

static void a_frame_longer_than_its_kind_is_not_begun(void **state)
{
	static const char much[(64u << 10) + 1];
	OWN_WRITER writer = { .at = 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(guest_put(&writer, GUEST_STDOUT, much, sizeof(much), &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(writer.len, 0);
	assert_int_equal(guest_put(&writer, GUEST_STDOUT, much, sizeof(much) - 1, &e), 0);
}

static void a_name_ends_within_its_bound(void **state)
{
	static const char long_name[GUEST_NAME_MAX + 8] = { [0 ... GUEST_NAME_MAX + 6] = 'a' };
	const struct {
		struct guest_frame frame;
		bool good;
	} rows[] = {
		{ { .bytes = "a\0b", .len = 3 }, true },
		{ { .bytes = "a", .len = 2 }, true },
		{ { .bytes = "ab", .len = 2 }, false },
		{ { .bytes = "\0b", .len = 2 }, false },
		{ { .bytes = "", .len = 0 }, false },
		{ { .bytes = long_name, .len = sizeof(long_name) }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name, *bytes;
		size_t len;

		assert_int_equal(guest_named(&rows[i].frame, &name, &bytes, &len), rows[i].good);
		if (rows[i].good)
			assert_int_equal(strlen(name) + 1 + len, rows[i].frame.len);
	}
}

static void what_a_guest_says_of_an_error_ends_where_it_must(void **state)
{
	OWN_WRITER writer = { .at = 0 };
	struct guest_frame frame;
	struct guest_why why, back;
	struct err e = ERR_INIT;

	(void)state;
	memset(&why, 'x', sizeof(why)); /* no NUL anywhere */
	assert_int_equal(guest_put_why(&writer, &why, &e), 0);
	assert_int_equal(feed(writer.bytes, writer.len, true, &frame, &e), 1);
	assert_int_equal(guest_read_why(&frame, &back, &e), 0);
	assert_int_equal(strlen(back.file), sizeof(back.file) - 1);
	assert_int_equal(strlen(back.text), sizeof(back.text) - 1);
	frame.len--;
	assert_int_equal(guest_read_why(&frame, &back, &e), -1);
}

static void a_full_socket_is_waited_for_and_nothing_is_lost(void **state)
{
	OWN_READER reader = { .at = 0 };
	OWN_WRITER writer = { .at = 0 };
	static char much[1u << 20];
	struct guest_frame frame;
	struct err e = ERR_INIT;
	int ends[2], rc;

	(void)state;
	memset(much, 'm', sizeof(much));
	assert_int_equal(fd_pipe(ends, &e), 0);
	assert_int_equal(fd_set_nonblock(ends[0], &e), 0);
	assert_int_equal(fd_set_nonblock(ends[1], &e), 0);
	assert_int_equal(guest_put(&writer, GUEST_RESULT, much, sizeof(much), &e), 0);
	assert_int_equal(guest_flush(&writer, ends[1], &e), 0);
	while ((rc = guest_next(&reader, true, &frame, &e)) == 0) {
		if (guest_read(&reader, ends[0], &e) < 0)
			assert_int_equal(e.sys, EAGAIN);
		assert_true(guest_flush(&writer, ends[1], &e) >= 0);
	}
	assert_int_equal(rc, 1);
	assert_int_equal(frame.len, sizeof(much));
	assert_memory_equal(frame.bytes, much, sizeof(much));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_as_they_went_in_however_they_are_cut),
		cmocka_unit_test(descriptors_come_with_their_frame_and_no_more_than_are_taken),
		cmocka_unit_test(what_no_peer_sends_is_refused),
		cmocka_unit_test(half_a_frame_is_none),
		cmocka_unit_test(a_frame_longer_than_its_kind_is_not_begun),
		cmocka_unit_test(a_name_ends_within_its_bound),
		cmocka_unit_test(what_a_guest_says_of_an_error_ends_where_it_must),
		cmocka_unit_test(a_full_socket_is_waited_for_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
