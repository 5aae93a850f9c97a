/* remote/overview: a page of text, whatever the service says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clean.h"
#include "remote/overview.h"

static void show(const char *overview, const char *jobs, struct overview_page page, struct str *out)
{
	json_t *const first = json_loads(overview, JSON_DECODE_ANY, NULL), *const second = jobs ? json_loads(jobs, 0, NULL) : NULL;

	page.overview = first;
	page.jobs = second;
	overview_show(&page, out);
	json_decref(first);
	json_decref(second);
}

static const char whole[] =
	"{\"scope\":\"all\",\"now\":{\"at\":\"2030-01-01T00:00:00Z\",\"running\":2,\"queued\":7,\"oldest_s\":61.5,\"jobs_per_s\":3.25,"
	"\"starts_warm\":9,\"starts_cold\":1,\"start_p50_us\":1500,\"start_p99_us\":2100000,\"denials\":5,"
	"\"boxes\":{\"live\":4,\"running\":2,\"parked\":1,\"building\":1,\"breakers_open\":1}},\"totals\":{\"accepted\":11},"
	"\"history\":{\"running\":[0,1,2],\"queued\":[],\"started\":[5],\"denials\":[0,0]}}";

static void what_the_service_says_is_there(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	show(whole, "{\"jobs\":[{\"id\":\"abc\",\"state\":\"running\",\"name\":\"fib\"}]}", (struct overview_page){ .width = 0 }, &out);
	assert_non_null(strstr(str_text(&out), "every tenant"));
	assert_non_null(strstr(str_text(&out), "2 running, 7 waiting, the oldest for 61.5 s"));
	assert_non_null(strstr(str_text(&out), "half within 1.5 ms, 99 of 100 within 2.1 s; 9 warm, 1 cold"));
	assert_non_null(strstr(str_text(&out), "1 pools cannot build theirs"));
	assert_non_null(strstr(str_text(&out), "11 accepted"));
	assert_non_null(strstr(str_text(&out), "running   | =#| up to 2\n"));
	assert_non_null(strstr(str_text(&out), "waiting   || up to 0\n"));
	assert_non_null(strstr(str_text(&out), "fib"));
	assert_null(strchr(str_text(&out), '\033'));
}

static void a_name_does_nothing_to_a_terminal(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	show(whole, "{\"jobs\":[{\"id\":\"\\u001b[2J\",\"state\":\"a\\nb\",\"name\":\"\\u009b31m\\u202e\\u0007\"}]}",
	     (struct overview_page){ .width = 0 }, &out);
	for (const char *line = str_text(&out); *line; line += strcspn(line, "\n") + 1)
		assert_true(clean_is(line, strcspn(line, "\n")));
	assert_null(strstr(str_text(&out), "\u202e"));
}

static void what_is_no_overview_is_shown_as_nothing(void **state)
{
	static const char *const strange[] = {
		"null", "[]", "{}", "{\"now\":[],\"totals\":7,\"history\":\"x\"}",
		"{\"now\":{\"running\":-1,\"oldest_s\":\"x\",\"boxes\":3},\"history\":{\"running\":[-5,\"a\",null,9223372036854775807]}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		OWN(str) out = STR_NONE;

		show(strange[i], "{\"jobs\":{\"a\":1}}", (struct overview_page){ .width = 40, .height = 30 }, &out);
		assert_non_null(strstr(str_text(&out), "0 running, 0 waiting"));
	}
}

static void no_line_is_wider_and_no_page_higher_than_the_terminal(void **state)
{
	(void)state;
	for (unsigned size = 1; size < 100; size += 7) {
		OWN(str) out = STR_NONE;
		unsigned lines = 0;

		show(whole, "{\"jobs\":[{\"id\":\"\u00e4\u00e4\u00e4\u00e4\"}]}", (struct overview_page){ .width = size, .height = size }, &out);
		for (const char *line = str_text(&out); *line; line += strcspn(line, "\n") + 1) {
			size_t characters = 0;

			for (const char *c = line; *c != '\n'; c++)
				characters += ((unsigned char)*c & 0xc0) != 0x80;
			assert_true(characters <= size);
			lines++;
		}
		assert_true(lines <= size);
	}
}

static void colours_are_there_when_they_are_wanted(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	show(whole, NULL, (struct overview_page){ .has_colour = true }, &out);
	assert_non_null(strstr(str_text(&out), "\033[31m"));
	assert_null(strstr(str_text(&out), "STATE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_service_says_is_there),
		cmocka_unit_test(a_name_does_nothing_to_a_terminal),
		cmocka_unit_test(what_is_no_overview_is_shown_as_nothing),
		cmocka_unit_test(no_line_is_wider_and_no_page_higher_than_the_terminal),
		cmocka_unit_test(colours_are_there_when_they_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
