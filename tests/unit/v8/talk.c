/* v8/talk: a guest takes frames and says frames, and whatever it cannot understand is its end. */
#include "v8/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "isolate/control.h"

/* The guest's side, in a process of its own; says how it ended. ours stays open for what it said. */
static int live(void (*guest)(void), const void *bytes, size_t len, int *ours)
{
	int ends[2], status = -1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], bytes, len), (ssize_t)len);
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		talk_begin(ends[1]);
		guest();
		_exit(99);
	}
	close(ends[1]);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	*ours = ends[0];
	return WEXITSTATUS(status);
}

static void say_back(void)
{
	const struct guest_frame *frame;
	const char *name, *bytes;
	size_t len;

	talk_touch();
	frame = talk_next(false);
	talk_named(frame, &name, &bytes, &len);
	talk_say(GUEST_STDOUT, name, strlen(name));
	talk_say(GUEST_RESULT, bytes, len);
	talk_end(NULL);
}

static void fail_with_why(void)
{
	talk_end(&(struct guest_why){ .line = 7, .column = 3, .file = "/x.js", .text = "so it is" });
}

static void read_on(void)
{
	for (;;)
		(void)talk_next(false);
}

static void frames_go_in_and_out(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	struct err e;
	int ours;

	(void)state;
	assert_int_equal(guest_put_named(&out, GUEST_SCRIPT, "/a.js", "1 + 1", 5, &e), 0);
	assert_int_equal(live(say_back, out.bytes, out.len, &ours), ISOLATE_CODE_OK);
	while (guest_read(&reader, ours, &e) > 0)
		;
	assert_int_equal(guest_next(&reader, true, &frame, &e), 1);
	assert_true(frame.kind == GUEST_STDOUT && frame.len == 5 && memcmp(frame.bytes, "/a.js", 5) == 0);
	assert_int_equal(guest_next(&reader, true, &frame, &e), 1);
	assert_true(frame.kind == GUEST_RESULT && frame.len == 5 && memcmp(frame.bytes, "1 + 1", 5) == 0);
	assert_int_equal(guest_next(&reader, true, &frame, &e), 0);
	guest_reader_done(&reader);
	guest_writer_done(&out);
	close(ours);
}

static void why_it_failed_is_its_last_frame(void **state)
{
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	struct guest_why why;
	struct err e;
	int ours;

	(void)state;
	assert_int_equal(live(fail_with_why, "", 0, &ours), ISOLATE_CODE_ERROR);
	while (guest_read(&reader, ours, &e) > 0)
		;
	assert_int_equal(guest_next(&reader, true, &frame, &e), 1);
	assert_int_equal(guest_read_why(&frame, &why, &e), 0);
	assert_true(why.line == 7 && why.column == 3 && strcmp(why.text, "so it is") == 0);
	guest_reader_done(&reader);
	close(ours);
}

static void what_it_cannot_understand_is_its_end(void **state)
{
	const uint32_t of_a_guest[2] = { GUEST_RESULT, 0 }, unknown[2] = { GUEST_KINDS, 0 }, long_one[2] = { GUEST_RUN, 5 },
		       nameless[3] = { GUEST_SCRIPT, 4, 0 };
	const struct {
		const void *bytes;
		size_t len;
		void (*guest)(void);
	} rows[] = {
		{ of_a_guest, sizeof(of_a_guest), read_on }, { unknown, sizeof(unknown), read_on },
		{ long_one, sizeof(long_one), read_on }, { nameless, sizeof(nameless), say_back },
		{ of_a_guest, 3, read_on }, { "", 0, read_on },
	};
	int ours;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(live(rows[i].guest, rows[i].bytes, rows[i].len, &ours), ISOLATE_CODE_CHANNEL);
		close(ours);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_in_and_out),
		cmocka_unit_test(why_it_failed_is_its_last_frame),
		cmocka_unit_test(what_it_cannot_understand_is_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
