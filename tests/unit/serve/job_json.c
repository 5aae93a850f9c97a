/* serve/job_json: what it makes of a document is what jansson makes of it, and so is what it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve/job.h"
#include "serve/job_json.h"

/* Documents. */
static const char *const plain[] = {
	"{}", "[]", " { } ", "[[],{}]", "{\"a\":{}}",
	"{\"runtime\":\"exec\",\"files\":[{\"path\":\"p\",\"base64\":\"AAAA\",\"executable\":true}],\"steps\":[{\"argv\":[\"./p\"]}]}",
	"{\"b\":1,\"a\":[true,false,null,-0,0,12,-7,123456789012345678],\"ab\":\"\",\"\":2}",
	"{ \"t\" :\t\"line\\n\\\"q\\\" \\\\ \\/ \\b\\f\\r\\t\" ,\r\n \"u\":\"\\u00e4\\u20AC\\u0001x\\u007f\" }",
	"{\"u\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\",\"\xc3\xa4\":\"\\u0009\"}",
	"{\"u\":\"\\ud83d\\ude00 \\uDBFF\\uDFFF \\uD800\\uDC00\"}",
	"{\"cpus\":0.5,\"more\":[1e3,-2.25,1.0]}",
	"{\"a\":\"x\\ny\",\"b\\n\":\"z\\\\\",\"c\":\"\\\\\"}",
};

/* What is none. */
static const char *const odd[] = {
	"", " ", "x", "7", "\"a\"", "{", "[", "}", "{]", "[}", "{}x", "{} {}", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\" 1}",
	"{a:1}", "{\"a\":1,\"a\":2}", "{\"a\":tru}", "{\"a\":truefalse}", "{\"a\":nul", "[01]", "[-]", "[--1]", "[1.]", "[.5]", "[+1]", "[1e]", "[0x10]",
	"[12345678901234567890]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u000g\"]", "[\"\\u0000\"]", "[\"a\nb\"]", "[\"\x01\"]", "[\"\xff\"]", "[\"\xc3\"]", "[\"a", "[\"a\\",
	"[\"\\ud83d\\u0041\"]", "[\"\\ude00\\ud83d\"]", "[\"\\ud83dx\"]", "[\"\\ud83d\\ude0\"]", "[\"\\ud83d\"]", "[\"\xed\xa0\x80\"]", "\xef\xbb\xbf{}", "{\"a\\u0062\":1,\"ab\":2}",
};

static json_t *read_all(const char *text, size_t len)
{
	struct job_json_end ended = { SIZE_MAX, true };
	json_t *const value = job_json_read(text, len, 100, &ended);

	if (!value)
		assert_true(ended.at <= len && !ended.is_full);
	return value;
}

static json_t *by_jansson(const char *text)
{
	return json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
}

static void assert_written_alike(json_t *value)
{
	char *const wanted = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	OWN(str) got = STR_NONE;

	job_json_write(value, &got);
	assert_string_equal(str_text(&got), wanted);
	free(wanted);
}

static void what_documents_are_is_read_and_written_as_jansson_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		json_t *const wanted = by_jansson(plain[i]), *const got = read_all(plain[i], strlen(plain[i]));

		if (!got || !json_equal(got, wanted))
			fail_msg("%s", plain[i]);
		assert_written_alike(got);
		json_decref(wanted);
		json_decref(got);
	}
}

static void what_is_none_is_refused_as_by_jansson(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		json_t *const got = read_all(odd[i], strlen(odd[i]));

		if (got || by_jansson(odd[i]))
			fail_msg("%s", odd[i]);
	}
}

/* Cut anywhere, a document is no document; and nothing is read behind its end. */
static void no_beginning_of_a_document_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		for (size_t len = 0; len + 1 < strlen(plain[i]); len++) {
			char *const exact = malloc(len + !len);

			assert_non_null(exact);
			memcpy(exact, plain[i], len);
			assert_null(read_all(exact, len));
			free(exact);
		}
}

static void more_levels_than_a_document_has_are_not_taken(void **state)
{
	char text[2 * (JOB_DEPTH + 1) + 1] = "";
	json_t *got;

	(void)state;
	memset(text, '[', JOB_DEPTH);
	memset(text + JOB_DEPTH, ']', JOB_DEPTH);
	got = read_all(text, 2 * JOB_DEPTH);
	assert_non_null(got);
	assert_written_alike(got);
	json_decref(got);
	memset(text, '[', JOB_DEPTH + 1);
	memset(text + JOB_DEPTH + 1, ']', JOB_DEPTH + 1);
	assert_null(read_all(text, 2 * (JOB_DEPTH + 1)));
}

static void more_values_than_asked_for_are_not_read(void **state)
{
	static const char text[] = "{\"a\":[1,2,{}]}";
	struct job_json_end ended = { 0, false };
	json_t *got;

	(void)state;
	got = job_json_read(text, strlen(text), 5, &ended);
	assert_non_null(got);
	json_decref(got);
	assert_null(job_json_read(text, strlen(text), 4, &ended));
	assert_true(ended.is_full);
	assert_int_equal(ended.at, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_documents_are_is_read_and_written_as_jansson_does),
		cmocka_unit_test(what_is_none_is_refused_as_by_jansson),
		cmocka_unit_test(no_beginning_of_a_document_is_taken),
		cmocka_unit_test(more_values_than_asked_for_are_not_read),
		cmocka_unit_test(more_levels_than_a_document_has_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
