/* judge/selftest_read: records that come out of a box are read strictly. */
#include "judge/selftest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int read_text(struct selftest_pass *pass, const char *text, struct err *e)
{
	selftest_pass_init(pass);
	return selftest_read(pass, text, strlen(text), e);
}

static const struct selftest_record *record_of(const struct selftest_pass *pass, const char *id)
{
	return &pass->records[attempt_index(attempt_find(id))];
}

static void a_record_says_outcome_number_and_detail(void **state)
{
	OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(read_text(&pass,
				   "S mount\nP mount refused 1 -\n"
				   "S uptime\nP uptime allowed 0 the host's\nE 2\n",
				   &e),
			 0);
	assert_int_equal(record_of(&pass, "mount")->kind, OUTCOME_REFUSED);
	assert_int_equal(record_of(&pass, "mount")->sys, 1);
	assert_string_equal(record_of(&pass, "mount")->detail, "");
	assert_int_equal(record_of(&pass, "uptime")->kind, OUTCOME_ALLOWED);
	assert_string_equal(record_of(&pass, "uptime")->detail, "the host's");
}

static void what_never_began_is_no_record(void **state)
{
	OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(read_text(&pass, "S mount\n", &e), 0);
	assert_true(record_of(&pass, "mount")->begun);
	assert_int_equal(record_of(&pass, "mount")->kind, OUTCOME_NONE);
	assert_false(record_of(&pass, "uptime")->begun);
}

static void a_later_text_replaces_a_record(void **state)
{
	static const char second[] = "S mount\nP mount allowed 0 -\nE 1\n";
	OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(read_text(&pass, "S mount\nP mount refused 1 -\nE 1\n", &e), 0);
	assert_int_equal(selftest_read(&pass, second, strlen(second), &e), 0);
	assert_int_equal(record_of(&pass, "mount")->kind, OUTCOME_ALLOWED);
}

static const struct {
	const char *text, *complaint;
} hostile[] = {
	{ "P mount refused 1 -\n", "line 1 of the probe's records ends an attempt" },
	{ "S no-such-thing\n", "names no attempt" },
	{ "S mount extra\n", "names no attempt" },
	{ "S mount\nS umount\n", "line 2 of the probe's records begins an attempt" },
	{ "S mount\nP umount refused 1 -\n", "ends an attempt" },
	{ "S mount\nP mount refused 1 -\nS mount\n", "out of turn" },
	{ "S mount\nP mount perhaps 1 -\n", "has no outcome" },
	{ "S mount\nP mount refused -1 -\n", "has no outcome" },
	{ "S mount\nP mount refused 99999 -\n", "has no outcome" },
	{ "S mount\nP mount refused 1\n", "has no detail" },
	{ "S mount\nP mount refused 1 \033[2J\n", "has a control byte" },
	{ "S mount\nP mount refused 1 -\nE 2\n", "counts wrongly" },
	{ "S mount\nE 0\n", "counts wrongly" },
	{ "E 0\nS mount\n", "comes after the end" },
	{ "S mount\nP mount refused 1 -", "has no end" },
	{ "hello\n", "is no record" },
	{ "\n", "is no record" },
};

static void anything_else_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(read_text(&pass, hostile[i].text, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.text, hostile[i].complaint));
	}
}

static void a_long_detail_and_a_long_line_are_refused(void **state)
{
	OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
	struct err e = ERR_INIT;
	char text[512] = "S mount\nP mount refused 1 ";

	(void)state;
	memset(text + strlen(text), 'x', 80);
	strcat(text, "\n");
	assert_int_equal(read_text(&pass, text, &e), -1);
	selftest_pass_done(&pass);
	memset(text, 'x', sizeof(text) - 2);
	strcpy(text + sizeof(text) - 2, "\n");
	assert_int_equal(read_text(&pass, text, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_says_outcome_number_and_detail),
		cmocka_unit_test(what_never_began_is_no_record),
		cmocka_unit_test(a_later_text_replaces_a_record),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_long_detail_and_a_long_line_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
