/* engine/event: one JSON object a line, and a full pipe holds nothing up. */
#include "engine/event.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/* Reads what is there; *lines of it are JSON objects with "event". */
static size_t read_lines(int fd, size_t *bytes)
{
	static char text[1 << 17];
	size_t lines = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, text, sizeof(text) - 1);
	*bytes = n > 0 ? (size_t)n : 0;
	text[*bytes] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *const object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(object);
		assert_true(json_is_string(json_object_get(object, "event")));
		json_decref(object);
		lines++;
	}
	return lines;
}

static void each_event_is_a_line(void **state)
{
	struct result result = { .stage = STAGE_RUN, .exit_code = -1, .layers = 5 };
	const struct denial denial = { .nr = SYS_socket, .origin = "default", .act = FILTER_KILL };
	int ends[2];
	size_t bytes;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	event_started(ends[1], &result);
	event_denied(ends[1], &denial);
	event_ended(ends[1], &result);
	assert_int_equal(read_lines(ends[0], &bytes), 3);
	close(ends[0]);
	event_ended(ends[1], &result);  /* the reader is gone */
	event_ended(-1, &result);
	event_started(-1, &result);
	event_denied(-1, &denial);
	close(ends[1]);
}

static void a_reader_that_does_not_read_loses_events_not_time(void **state)
{
	const struct denial denial = { .nr = SYS_socket, .origin = "default", .act = FILTER_ERRNO };
	int ends[2];
	size_t bytes;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < 1000; i++)
		event_denied(ends[1], &denial);
	assert_true(read_lines(ends[0], &bytes) > 100);
	assert_true(bytes <= 65536);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_is_a_line),
		cmocka_unit_test(a_reader_that_does_not_read_loses_events_not_time),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
