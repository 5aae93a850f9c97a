/* The syntax of unit files: what a line says, and where. */
#include "format/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All entries as "section.key=value@line;", line breaks of values as '|'. */
static int entries(const char *text, size_t len, struct str *out, struct err *e)
{
	struct unit_entry entry;
	struct unit unit;
	int more;

	if (unit_init(&unit, "x", text, len, e) < 0)
		return -1;
	while ((more = unit_next(&unit, &entry, e)) > 0) {
		str_addf(out, "%s.%s=", entry.section, entry.key);
		for (const char *p = entry.value; *p; p++)
			str_addf(out, "%c", *p == '\n' ? '|' : *p);
		str_addf(out, "@%u;", entry.line);
	}
	unit_done(&unit);
	return more;
}

static void assignments_are_read_as_systemd_does(void **state)
{
	static const struct { const char *text, *entries; } rows[] = {
		{ "[Service]\nA=1\n", "Service.A=1@2;" },
		{ " [Service] \r\n  A = b c \r\n", "Service.A=b c@2;" },
		{ "[S]\n# c\n; c\n\nA=\nB==x", "S.A=@5;S.B==x@6;" },
		{ "[S]\nA=1 \\\n  2\\\n# comment\n\\\n3\nB=4\n", "S.A=1|2|||3@2;S.B=4@7;" },
		{ "[S]\nA=1\\\\\nB=2\\ \nC=3\\", "S.A=1\\\\@2;S.B=2\\@3;S.C=3@4;" },
		{ "[S]\nA=1 # no comment\n[T]\nA=2", "S.A=1 # no comment@2;T.A=2@4;" },
		{ "[S]\nA=\\\n\\\n ~b \\\n\n", "S.A=~b@4;" },
		{ "[S]\nA=\\\n", "S.A=@2;" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;
		struct err e = ERR_INIT;

		if (entries(rows[i].text, strlen(rows[i].text), &out, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		if (strcmp(str_text(&out), rows[i].entries) != 0)
			fail_msg("row %zu: %s", i, str_text(&out));
	}
}

static void what_is_no_unit_is_refused_with_its_line(void **state)
{
	static const struct { const char *text; size_t len; const char *error; } rows[] = {
		{ "[S]\nword\n", 9, "x:2: no assignment" },
		{ "[S]\n=1\n", 7, "x:2: no assignment" },
		{ "[S\nA=1\n", 7, "x:1: a section without" },
		{ "A=1\n", 4, "x:1: an assignment outside" },
		{ "[S]\nA=\0", 7, "a zero byte" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(entries(rows[i].text, rows[i].len, &out, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void words_know_their_lines(void **state)
{
	const char *value = " a  \"b\"\n\ncdefgh\n";
	uint32_t line = 5;
	char word[5];

	(void)state;
	assert_true(unit_word(&value, &line, word, sizeof(word)));
	assert_string_equal(word, "a");
	assert_true(unit_word(&value, &line, word, sizeof(word)));
	assert_string_equal(word, "b");
	assert_int_equal(line, 5);
	assert_true(unit_word(&value, &line, word, sizeof(word)));
	assert_string_equal(word, "cdef");
	assert_int_equal(line, 7);
	assert_false(unit_word(&value, &line, word, sizeof(word)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignments_are_read_as_systemd_does),
		cmocka_unit_test(what_is_no_unit_is_refused_with_its_line),
		cmocka_unit_test(words_know_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
