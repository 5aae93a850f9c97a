/* A line is an event or an error in one line. */
#include "remote/event.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void take(const char *line, struct event *out)
{
	struct err e = ERR_INIT;

	assert_int_equal(event_read(line, strlen(line), out, &e), 0);
}

static void output_comes_as_text_or_as_base64(void **state)
{
	OWN(event) text = EVENT_NONE, bytes = EVENT_NONE;

	(void)state;
	take("{\"id\":\"3.2.0\",\"event\":\"stdout\",\"data\":{\"encoding\":\"utf8\",\"data\":\"a\\u0000b\"}}", &text);
	assert_int_equal(text.kind, EVENT_STDOUT);
	assert_string_equal(text.id, "3.2.0");
	assert_int_equal(text.len, 3);
	assert_memory_equal(text.bytes, "a\0b", 3);
	take("{\"id\":\"3.2.2\",\"event\":\"stderr\",\"data\":{\"encoding\":\"base64\",\"data\":\"//4A\"}}", &bytes);
	assert_int_equal(bytes.kind, EVENT_STDERR);
	assert_int_equal(bytes.len, 3);
	assert_memory_equal(bytes.bytes, "\xff\xfe\0", 3);
}

static void states_gaps_and_the_end_are_told_apart(void **state)
{
	OWN(event) queued = EVENT_NONE, gap = EVENT_NONE, end = EVENT_NONE, beat = EVENT_NONE, later = EVENT_NONE;

	(void)state;
	take("{\"id\":\"1.0.0\",\"event\":\"state\",\"data\":{\"seq\":1,\"state\":\"queued\"}}", &queued);
	assert_int_equal(queued.kind, EVENT_STATE);
	assert_string_equal(queued.state, "queued");
	take("{\"id\":\"4.9.9\",\"event\":\"gap\",\"data\":{\"stream\":\"stderr\",\"from\":9,\"to\":90}}", &gap);
	assert_int_equal(gap.kind, EVENT_GAP);
	assert_int_equal(gap.to - gap.from, 81);
	take("{\"id\":\"4.9.9\",\"event\":\"end\",\"data\":{\"state\":\"failed\",\"reason\":\"oom\"}}", &end);
	assert_int_equal(end.kind, EVENT_END);
	take("{\"event\":\"heartbeat\"}", &beat);
	assert_int_equal(beat.kind, EVENT_OTHER);
	assert_string_equal(beat.id, "");
	take("{\"id\":\"5.0.0\",\"event\":\"of a later service\",\"data\":[]}", &later);
	assert_int_equal(later.kind, EVENT_OTHER);
}

static void what_is_no_event_is_an_error(void **state)
{
	static const char *const lines[] = {
		"", "[]", "\"x\"", "{", "{\"a\":1,\"a\":2}",
		"{\"id\":\"1/../2\",\"event\":\"end\"}",
		"{\"id\":\"1\",\"event\":\"stdout\"}",
		"{\"id\":\"1\",\"event\":\"stdout\",\"data\":{\"data\":\"x\"}}",
		"{\"id\":\"1\",\"event\":\"stdout\",\"data\":{\"encoding\":\"base64\",\"data\":\"x\"}}",
		("{\"id\":\"111111111111111111111111111111111111111111111111"
		 "111111111111111111111111111111111111111111111111\",\"event\":\"end\"}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct event event;
		struct err e = ERR_INIT;

		assert_int_equal(event_read(lines[i], strlen(lines[i]), &event, &e), -1);
		assert_int_equal(e.kind, ERR_SYSTEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_comes_as_text_or_as_base64),
		cmocka_unit_test(states_gaps_and_the_end_are_told_apart),
		cmocka_unit_test(what_is_no_event_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
