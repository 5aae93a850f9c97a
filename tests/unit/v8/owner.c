/* v8/owner: what is taken from a guest's channel, what is given to it, and what is shown of why it failed. */
#include "v8/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static const char *const argv[] = { "shown.mjs", "x", "", NULL };
static const char *const envp[] = { "A=b=c", "EMPTY=", "NOTHING", "=odd", NULL };
static const struct guest_job job = { .name = "/ward/main.mjs", .argv = argv, .envp = envp, .requests = true };
static struct owner owner = { .job = &job };

/* The owner's end of a channel on which a guest has said all this and gone. */
static int said(struct guest_writer *out)
{
	int ends[2];
	struct err e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(guest_flush(out, ends[1], &e), 1);
	guest_writer_done(out);
	close(ends[1]);
	return ends[0];
}

static void put(struct guest_writer *out, enum guest_kind kind, const char *text)
{
	struct err e;

	assert_int_equal(guest_put(out, kind, text, strlen(text), &e), 0);
}

static void the_last_result_counts(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct owner_heard heard = { .result = NULL };
	struct err e;

	(void)state;
	put(&out, GUEST_RESULT, "1");
	put(&out, GUEST_RESULT, "[2]");
	OWN_FD int fd = said(&out);
	assert_int_equal(owner_hear(&owner, fd, &heard, &e), 0);
	assert_true(heard.done && !heard.ready && !heard.failed && heard.len == 3 && memcmp(heard.result, "[2]", 3) == 0);
	owner_heard_done(&heard);
	assert_true(!heard.result && !heard.done);
}

static void hearing_stops_when_it_serves(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct owner_heard heard = { .result = NULL };
	struct err e;

	(void)state;
	put(&out, GUEST_READY, "");
	OWN_FD int fd = said(&out);
	assert_int_equal(owner_hear(&owner, fd, &heard, &e), 0);
	assert_true(heard.ready && !heard.done && !heard.result);
}

static void frames_are_taken_as_they_come(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct guest_reader reader = { .at = 0 };
	struct owner_heard heard = { .result = NULL };
	struct err e;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	put(&out, GUEST_RESULT, "\"abc\"");
	assert_int_equal(write(ends[1], out.bytes, 9), 9);
	assert_int_equal(owner_hear_some(&owner, ends[0], &reader, &heard, &e), 1);
	assert_false(heard.done);
	assert_int_equal(write(ends[1], out.bytes + 9, out.len - 9), (ssize_t)(out.len - 9));
	assert_int_equal(owner_hear_some(&owner, ends[0], &reader, &heard, &e), 1);
	assert_true(heard.done && heard.len == 5);
	close(ends[1]);
	assert_int_equal(owner_hear_some(&owner, ends[0], &reader, &heard, &e), 0);
	close(ends[0]);
	guest_reader_done(&reader);
	guest_writer_done(&out);
	owner_heard_done(&heard);
}

static void what_no_guest_says_is_refused(void **state)
{
	static const uint32_t heads[][2] = {
		{ GUEST_REQUEST, 0 }, { GUEST_RUN, 4 }, { GUEST_KINDS, 0 }, { UINT32_MAX, 0 }, { GUEST_RESULT, UINT32_MAX }, { GUEST_READY, 1 },
		{ GUEST_WAITS, 5 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct owner_heard heard = { .result = NULL };
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		assert_int_equal(write(ends[1], heads[i], sizeof(heads[i])), sizeof(heads[i]));
		close(ends[1]);
		assert_int_equal(owner_hear(&owner, ends[0], &heard, &e), -1);
		assert_true(!heard.ready && !heard.done);
		close(ends[0]);
		owner_heard_done(&heard);
	}
}

static void why_is_shown_with_the_name_that_was_given(void **state)
{
	static const struct {
		struct guest_why why;
		const char *shown;
	} rows[] = {
		{ { .line = 3, .column = 7, .file = "/ward/main.mjs", .text = "Error: x" }, "shown.mjs:3:7: Error: x" },
		{ { .line = 3, .column = 7, .file = "/lib/a.mjs", .text = "no" }, "/lib/a.mjs:3:7: no" },
		{ { .file = "/lib/a.mjs", .text = "no" }, "/lib/a.mjs: no" },
		{ { .text = "no" }, "shown.mjs: no" },
	};
	struct guest_why evil = { .text = "a\x1b[2Jb\nc" };
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		owner_put_why(&owner, &rows[i].why, text, sizeof(text));
		assert_string_equal(text, rows[i].shown);
	}
	owner_put_why(&owner, &evil, text, sizeof(text));
	assert_null(strpbrk(text, "\x1b\n"));
	memset(evil.text, 'y', sizeof(evil.text) - 1);
	owner_put_why(&owner, &evil, text, 20);
	assert_int_equal(strlen(text), 19);
}

static void words_go_behind_the_sources(void **state)
{
	struct guest_writer out = { .at = 0 };
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	const char *name = NULL, *bytes = NULL;
	uint32_t run;
	size_t len = 0;
	struct err e;

	(void)state;
	assert_int_equal(owner_put_words(&owner, &out, GUEST_RUN_SERVE, &e), 0);
	OWN_FD int fd = said(&out);
	while (guest_read(&reader, fd, &e) > 0)
		;
	assert_true(guest_next(&reader, false, &frame, &e) == 1 && frame.kind == GUEST_ARG && frame.len == 1 && *frame.bytes == 'x');
	assert_true(guest_next(&reader, false, &frame, &e) == 1 && frame.kind == GUEST_ARG && frame.len == 0);
	assert_true(guest_next(&reader, false, &frame, &e) == 1 && frame.kind == GUEST_ENV && guest_named(&frame, &name, &bytes, &len));
	assert_string_equal(name, "A");
	assert_true(len == 3 && memcmp(bytes, "b=c", 3) == 0);
	assert_true(guest_next(&reader, false, &frame, &e) == 1 && frame.kind == GUEST_ENV && guest_named(&frame, &name, &bytes, &len));
	assert_true(strcmp(name, "EMPTY") == 0 && len == 0);
	assert_true(guest_next(&reader, false, &frame, &e) == 1 && frame.kind == GUEST_RUN && frame.len == sizeof(run));
	memcpy(&run, frame.bytes, sizeof(run));
	assert_int_equal(run, GUEST_RUN_SERVE);
	guest_reader_done(&reader);
}

static void an_end_is_heard_once(void **state)
{
	int status = 0;
	struct err e;
	const pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(5);
	assert_int_equal(owner_reap(&status, &e), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	assert_int_equal(owner_reap(&status, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_result_counts),
		cmocka_unit_test(hearing_stops_when_it_serves),
		cmocka_unit_test(frames_are_taken_as_they_come),
		cmocka_unit_test(what_no_guest_says_is_refused),
		cmocka_unit_test(why_is_shown_with_the_name_that_was_given),
		cmocka_unit_test(words_go_behind_the_sources),
		cmocka_unit_test(an_end_is_heard_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
