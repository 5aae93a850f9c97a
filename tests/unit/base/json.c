/* base/json: what is written is JSON, whatever the bytes. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void values_of_every_type_are_written(void **state)
{
	OWN(json) json = JSON_NONE;

	(void)state;
	json_put_object(&json, NULL);
	json_put_u64(&json, "n", UINT64_MAX);
	json_put_i64(&json, "i", INT64_MIN);
	json_put_bool(&json, "yes", true);
	json_put_text(&json, "t", "x");
	json_put_text(&json, "none", NULL);
	json_put_array(&json, "list");
	json_put_end(&json);
	json_put_array(&json, "two");
	json_put_u64(&json, NULL, 1);
	json_put_object(&json, NULL);
	json_put_end(&json);
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	assert_string_equal(
		json_written(&json),
		"{\"n\":18446744073709551615,\"i\":-9223372036854775808,\"yes\":true,\"t\":\"x\","
		"\"none\":null,\"list\":[],\"two\":[1,{}]}\n");
}

#define BAD "\\ufffd"

static void no_byte_of_a_text_breaks_out(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *written;
	} rows[] = {
#define ROW(text, written) { text, sizeof(text) - 1, "\"" written "\"" }
		ROW("", ""),
		ROW("plain", "plain"),
		ROW("a\"b\\c/", "a\\\"b\\\\c/"),
		ROW("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
		ROW("a\0b", "a\\u0000b"),
		ROW("\x01\x1b[0m\x7f", "\\u0001\\u001b[0m\\u007f"),
		ROW("\xc2\x80\xc2\x9f\xc2\xa0",
		    "\\u0080\\u009f\xc2\xa0"), /* C1 are control bytes too */
		ROW("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		ROW("\xff", BAD),
		ROW("a\x80"
		    "b",
		    "a" BAD "b"),
		ROW("\xc3", BAD),
		ROW("\xc3\"", BAD "\\\""), /* a cut sequence must not swallow the quote */
		ROW("\xe2\x82", BAD BAD),
		ROW("\xc0\xaf", BAD BAD), /* overlong '/' */
		ROW("\xe0\x80\xaf", BAD BAD BAD),
		ROW("\xed\xa0\x80", BAD BAD BAD),         /* a surrogate */
		ROW("\xf4\x90\x80\x80", BAD BAD BAD BAD), /* above U+10FFFF */
		ROW("\xf0\x9f\x98", BAD BAD BAD),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(json) json = JSON_NONE;

		json_put_bytes(&json, NULL, rows[i].text, rows[i].len);
		assert_string_equal(json_written(&json), rows[i].written);
	}
}

static void keys_are_escaped_as_well(void **state)
{
	OWN(json) json = JSON_NONE;

	(void)state;
	json_put_object(&json, NULL);
	json_put_null(&json, "a\"\n");
	json_put_end(&json);
	assert_string_equal(json_written(&json), "{\"a\\\"\\n\":null}");
}

static void a_bound_is_kept_and_told(void **state)
{
	OWN(json) json = { .out.max = 8 };

	(void)state;
	json_put_text(&json, NULL, "0123456789");
	assert_true(json.out.cut);
	assert_int_equal(json.out.len, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_type_are_written),
		cmocka_unit_test(no_byte_of_a_text_breaks_out),
		cmocka_unit_test(keys_are_escaped_as_well),
		cmocka_unit_test(a_bound_is_kept_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
