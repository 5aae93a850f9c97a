/* JSON piece by piece: what the language has is read, what it has not is refused at its place. */
#include "format/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

/* All events as one text: "{ key=a 's' n:1 ] }". */
static int events(const char *text, size_t len, struct str *out, struct err *e)
{
	static const char *const marks[] = { "{", "[", "<", "k:", "s:", "l:", "null" };
	struct json_scan scan;
	enum json_event event = JSON_EVENT_END;
	int rc;

	json_scan_init(&scan, "x", text, len);
	while ((rc = json_scan_next(&scan, &event, e)) == 0 && event != JSON_EVENT_END) {
		str_addf(out, "%s%s", out->len ? " " : "", marks[event]);
		if (event >= JSON_EVENT_KEY && event <= JSON_EVENT_LITERAL)
			str_add_bytes(out, scan.text, scan.len);
	}
	json_scan_done(&scan);
	return rc;
}

static void what_is_json_is_read(void **state)
{
	static const struct { const char *text, *events; } rows[] = {
		{ "{}", "{ <" },
		{ "\xef\xbb\xbf[]", "[ <" },
		{ " {\"a\" : [1, -2.5e+3, true, null], \"b\": {}} \n", "{ k:a [ l:1 l:-2.5e+3 l:true null < k:b { < <" },
		{ "\"a\\n\\u00e9\\ud83d\\ude00\\ud800x\"", "s:a\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx" },
		{ "[\"\"]", "[ s: <" },
		{ "{\"\": 1}", "{ k: l:1 <" },
		{ "0", "l:0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;
		struct err e = ERR_INIT;

		if (events(rows[i].text, strlen(rows[i].text), &out, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_string_equal(str_text(&out), rows[i].events);
	}
}

static void what_is_not_is_refused_at_its_place(void **state)
{
	static const struct { const char *text, *error; } rows[] = {
		{ "", "x:1:1: not JSON: it ends too early" },
		{ "{", "x:1:2: not JSON: it ends too early" },
		{ "[1,]", "x:1:4: not JSON: a value is wanted" },
		{ "[1 2]", "x:1:4: not JSON: a ','" },
		{ "{\"a\":1,}", "x:1:8: not JSON: a key" },
		{ "{\"a\" 1}", "x:1:6: not JSON: a ':'" },
		{ "{1: 2}", "x:1:2: not JSON: a key" },
		{ "[01]", "x:1:3: not JSON: a ','" },
		{ "[1.]", "broken number" },
		{ "[-]", "broken number" },
		{ "[nul]", "x:1:2: not JSON: a value" },
		{ "[nullx]", "not JSON" },
		{ "{}\n{}", "x:2:1: not JSON: something follows" },
		{ "[}", "not JSON" },
		{ "\"a\nb\"", "x:1:3: not JSON: control byte" },
		{ "\"\\x\"", "unknown escape" },
		{ "\"\\u12g4\"", "four hexadecimal" },
		{ "\"abc", "ends too early" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(events(rows[i].text, strlen(rows[i].text), &out, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void depth_is_bounded_and_skipping_needs_none_of_the_stack(void **state)
{
	OWN_MEM char *deep = mem_alloc(100001);
	OWN(str) out = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	memset(deep, '[', 100000);
	assert_int_equal(events(deep, 100000, &out, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_non_null(strstr(e.text, "x:1:513: nested deeper than 512"));
}

static void a_value_is_skipped_whole(void **state)
{
	static const char text[] = "{\"a\": {\"b\": [1, {\"c\": []}]}, \"d\": 2}";
	struct json_scan scan;
	enum json_event event;
	struct err e = ERR_INIT;

	(void)state;
	json_scan_init(&scan, "x", text, strlen(text));
	assert_int_equal(json_scan_next(&scan, &event, &e), 0);
	assert_int_equal(json_scan_next(&scan, &event, &e), 0);
	assert_string_equal(scan.text, "a");
	assert_int_equal(json_scan_skip(&scan, &e), 0);
	assert_int_equal(json_scan_next(&scan, &event, &e), 0);
	assert_string_equal(scan.text, "d");
	assert_int_equal(scan.began.column, 30);
	json_scan_done(&scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_json_is_read),
		cmocka_unit_test(what_is_not_is_refused_at_its_place),
		cmocka_unit_test(depth_is_bounded_and_skipping_needs_none_of_the_stack),
		cmocka_unit_test(a_value_is_skipped_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
