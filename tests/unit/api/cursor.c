/* api/cursor: a cursor is good for one tenant, one list and one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/cursor.h"
#include "base/mem.h"

static const struct store_place place = { 1795284000250, { "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" } };

static void a_cursor_is_read_again_as_the_same_place(void **state)
{
	const uint8_t key[HMAC_KEY] = "secret";
	const struct digest filter = sha256_of("a", 1);
	struct store_place back;
	char text[CURSOR_TEXT];

	(void)state;
	cursor_write(key, 7, &filter, &place, text);
	assert_int_equal(strlen(text), CURSOR_TEXT - 1);
	assert_true(cursor_read(key, 7, &filter, text, &back));
	assert_int_equal(back.created_ms, place.created_ms);
	assert_memory_equal(&back.id, &place.id, sizeof(back.id));
}

static void a_foreign_or_altered_cursor_is_none(void **state)
{
	const uint8_t key[HMAC_KEY] = "secret", other_key[HMAC_KEY] = "Secret";
	const struct digest filter = sha256_of("a", 1), other = sha256_of("b", 1);
	struct store_place back;
	char text[CURSOR_TEXT];

	(void)state;
	cursor_write(key, 7, &filter, &place, text);
	assert_false(cursor_read(key, 8, &filter, text, &back));
	assert_false(cursor_read(key, 7, &other, text, &back));
	assert_false(cursor_read(other_key, 7, &filter, text, &back));
	for (size_t i = 0; i < CURSOR_TEXT - 1; i++) {
		const char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		assert_false(cursor_read(key, 7, &filter, text, &back));
		text[i] = was;
	}
	text[CURSOR_TEXT - 2] = '\0';
	assert_false(cursor_read(key, 7, &filter, text, &back));
	assert_false(cursor_read(key, 7, &filter, "", &back));
	assert_false(cursor_read(key, 7, &filter, "../../etc/passwd", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_is_read_again_as_the_same_place),
		cmocka_unit_test(a_foreign_or_altered_cursor_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
