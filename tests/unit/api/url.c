/* api/url: one decoding, strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/url.h"
#include "base/str.h"

static const struct {
	const char *text, *means;
} rows[] = {
	{ "", "" }, { "abc", "abc" }, { "a%20b", "a b" }, { "%41%5a%5A", "AZZ" }, { "a%2Fb", "a/b" }, { "%2525", "%25" }, { "a+b", "a+b" },
	{ "%c3%a9", "\xc3\xa9" },
	{ "%", NULL }, { "%4", NULL }, { "%4g", NULL }, { "%00", NULL }, { "%0a", NULL }, { "%7f", NULL }, { "%ff", NULL },
	{ "%c0%af", NULL }, { "%c2%9b", NULL }, { "%ed%a0%80", NULL }, { "a\nb", NULL }, { "\xff", NULL },
};

static void each_text_means_one_thing_or_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(arena) arena = { .total = 0 };
		const char *const got = url_decode(&arena, rows[i].text, strlen(rows[i].text));

		if (!got != !rows[i].means || (got && strcmp(got, rows[i].means)))
			fail_msg("%s became %s", rows[i].text, got ? got : "nothing");
	}
}

static void what_is_encoded_decodes_to_itself(void **state)
{
	static const char name[] = "out/\xc3\xa9 \"x\"\\;%/..\n.png";
	OWN(arena) arena = { .total = 0 };
	OWN(str) text = STR_NONE;

	(void)state;
	url_encode(&text, name);
	assert_null(strpbrk(str_text(&text), "\" \\;/\n"));
	assert_null(url_decode(&arena, str_text(&text), text.len)); /* the line break is refused on the way back */
	str_done(&text);
	url_encode(&text, "a b/\xc3\xa9");
	assert_string_equal(url_decode(&arena, str_text(&text), text.len), "a b/\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_means_one_thing_or_nothing),
		cmocka_unit_test(what_is_encoded_decodes_to_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
