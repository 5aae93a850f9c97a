/* serve/base64: one text for some bytes, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "serve/base64.h"

/* RFC 4648 section 10. */
static const char *const pairs[][2] = {
	{ "", "" },         { "f", "Zg==" },         { "fo", "Zm8=" },         { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff", "+/8=" },
};

static void both_ways_agree_with_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const size_t n = strlen(pairs[i][0]);
		char text[16], bytes[16];

		base64_write(pairs[i][0], n, text);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_read(text, strlen(text), bytes), n);
		assert_memory_equal(bytes, pairs[i][0], n);
	}
}

static void another_spelling_is_refused(void **state)
{
	static const char *const texts[] = { "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm\n9", "Zm-_", "=m9v" };
	char bytes[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (base64_read(texts[i], strlen(texts[i]), bytes) >= 0)
			fail_msg("taken: %s", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_agree_with_the_rfc),
		cmocka_unit_test(another_spelling_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
