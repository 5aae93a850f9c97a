/* serve/backup_list: lines of a backup's list, which may come from anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "serve/backup_list.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PLACE(dir, end) dir "/7f/" ID end
#define ID "0123456789abcdef0123456789abcd7f"

static bool takes(const char *text)
{
	struct backup_line line;

	return backup_line_read(text, strlen(text), &line);
}

static void what_is_written_is_read(void **state)
{
	static const char *const paths[] = { "store.db", PLACE("log", ".out"), PLACE("log", ".err"), PLACE("log", ".mix"), PLACE("blob", "") };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		OWN(str) text = STR_NONE;
		struct backup_line line, again;

		assert_true(digest_read(DIGEST, 64, &line.digest));
		snprintf(line.path, sizeof(line.path), "%s", paths[i]);
		backup_line_write(&line, &text);
		assert_true(text.len < BACKUP_LINE);
		assert_int_equal(str_text(&text)[text.len - 1], '\n');
		assert_true(backup_line_read(str_text(&text), text.len - 1, &again));
		assert_string_equal(again.path, line.path);
		assert_true(digest_is(&again.digest, &line.digest));
	}
}

static void every_other_name_is_refused(void **state)
{
	static const char *const paths[] = {
		"", "/store.db", "./store.db", "store.db/", "STORE.DB", "store.db-wal", "cursor.key", "SHA256SUMS",
		"log/7f/" ID, "log/7f/" ID ".txt", "log/7e/" ID ".out", "log/7f/../7f/" ID ".out", "log//7f/" ID ".out",
		"blob/7f/" ID ".out", "blob/7f/0123456789ABCDEF0123456789ABCD7F", "blob/7f/" ID "0", "blob/7f/",
		"cache/7f/" ID, "log/7f/" ID ".out\n", "../log/7f/" ID ".out",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(text, sizeof(text), DIGEST "  %s", paths[i]);
		assert_false(takes(text));
	}
}

static void digest_and_gap_are_exact(void **state)
{
	struct backup_line line;

	(void)state;
	assert_true(takes(DIGEST "  store.db"));
	assert_false(takes(DIGEST " store.db"));
	assert_false(takes(DIGEST " *store.db"));
	assert_false(takes(DIGEST "\t store.db"));
	assert_false(takes("X0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff  store.db"));
	assert_false(takes("A0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff  store.db"));
	assert_false(takes(""));
	assert_false(backup_line_read(DIGEST "  store.db\0x", 76, &line));
	assert_false(backup_line_read(DIGEST "  store\0db", 74, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_other_name_is_refused),
		cmocka_unit_test(digest_and_gap_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
