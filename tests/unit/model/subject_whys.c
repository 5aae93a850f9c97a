/* Comments that give a reason: found on their line or the next, never inside a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/subject.h"

static void a_reason_belongs_to_its_line_or_the_next(void **state)
{
	static const struct { const char *text; uint32_t line; const char *why; } rows[] = {
		{ "allow: [ptrace] # why: a debugger", 1, "a debugger" },
		{ "a: 1\nb: 2  #why:  no space\r\n", 2, "no space" },
		{ "# why: above\n\n# and a remark\nb: 2\n", 4, "above" },
		{ "# why: above\nb: 2 # why: beside\n", 2, "beside" },
		{ "a: don't # why: an apostrophe\n", 1, "an apostrophe" },
		{ "a: 'it is # why: no comment'\n", 0, NULL },
		{ "a: \"q\\\" # why: no comment\"\n", 0, NULL },
		{ "a: x# why: no comment\n", 0, NULL },
		{ "a: 1 # because: of nothing\n", 0, NULL },
		{ "a: 1 # why:", 0, NULL },
		{ "# why: of nothing\n", 0, NULL },
		{ "", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		subject_add_whys(&subject, rows[i].text, strlen(rows[i].text));
		if (subject.n_whys != (rows[i].why != NULL))
			fail_msg("row %zu: %zu reasons", i, subject.n_whys);
		if (rows[i].why)
			assert_string_equal(subject_why_of(&subject, rows[i].line), rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reason_belongs_to_its_line_or_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
