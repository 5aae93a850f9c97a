/* api/log_form: the same line in other forms, whatever is in it. */
#include "api/log_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_line_is_told_for_people(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	log_form_text("{\"t\":\"2026-11-21T18:00:00.250Z\",\"level\":\"error\",\"event\":\"request\",\"text\":\"it broke\","
		      "\"status\":500,\"path\":\"/v1/jobs\",\"ok\":true}\n", false, &out);
	assert_string_equal(str_text(&out), "18:00:00.250 error   request: it broke  status=500 path=/v1/jobs ok=true\n");
}

static void colour_is_for_levels_that_have_one(void **state)
{
	OWN(str) error = STR_NONE, info = STR_NONE;

	(void)state;
	log_form_text("{\"level\":\"error\",\"event\":\"a\"}", true, &error);
	log_form_text("{\"level\":\"info\",\"event\":\"a\"}", true, &info);
	assert_non_null(strstr(str_text(&error), "\033[31m"));
	assert_null(strchr(str_text(&info), '\033'));
}

static void no_value_is_another_field_or_a_control(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	log_form_text("{\"level\":\"info\",\"event\":\"e\",\"a\":\"x status=200\",\"b\":\"l\\nm\\u001b[2J\\u007f\\u009b\",\"c\":\"\\\"\",\"d\":\"\"}",
		      false, &out);
	assert_non_null(strstr(str_text(&out), "a=\"x status=200\" b=\"l\\nm\\u001B[2J?\\u009B\" c=\"\\\"\" d=\"\""));
	for (size_t i = 0; i + 1 < out.len; i++)
		assert_true((unsigned char)out.at[i] >= ' ' && (unsigned char)out.at[i] < 0x7f);
}

static void a_line_that_is_no_object_is_kept(void **state)
{
	OWN(str) text = STR_NONE, journal = STR_NONE;

	(void)state;
	log_form_text("not json \033[0m", false, &text);
	log_form_journal("not json", &journal);
	assert_string_equal(str_text(&text), "not json ?[0m\n");
	assert_non_null(strstr(str_text(&journal), "MESSAGE=not json\nPRIORITY=6\n"));
}

static void a_datagram_has_the_journals_fields_and_the_lines(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	log_form_journal("{\"t\":\"2026-11-21T18:00:00.250Z\",\"level\":\"warning\",\"event\":\"alert\",\"text\":\"forks\",\"job\":\"ab\","
			 "\"tenant\":\"t1\",\"odd-Name\":1}", &out);
	assert_string_equal(str_text(&out), "MESSAGE=alert: forks\nPRIORITY=4\nSYSLOG_IDENTIFIER=ward-serve\nWARD_EVENT=alert\n"
			    "WARD_JOB=ab\nWARD_TENANT=t1\nWARD_ODD_NAME=1\n");
}

static void a_value_with_line_breaks_goes_with_its_length(void **state)
{
	static const char wanted[] = "WARD_A\n\x14\0\0\0\0\0\0\0x\nPRIORITY=0\nWARD_B=\n";
	OWN(str) out = STR_NONE;

	(void)state;
	log_form_journal("{\"level\":\"info\",\"event\":\"e\",\"a\":\"x\\nPRIORITY=0\\nWARD_B=\"}", &out);
	assert_non_null(memmem(out.at, out.len, wanted, sizeof(wanted) - 1));
}

static void a_name_is_no_longer_than_the_journal_takes(void **state)
{
	char line[256], name[101] = { 0 };
	OWN(str) out = STR_NONE;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	snprintf(line, sizeof(line), "{\"level\":\"info\",\"%s\":1}", name);
	log_form_journal(line, &out);
	assert_non_null(strstr(str_text(&out), "\nWARD_NNN"));
	assert_int_equal(strcspn(strstr(str_text(&out), "WARD_NNN"), "="), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_told_for_people),
		cmocka_unit_test(colour_is_for_levels_that_have_one),
		cmocka_unit_test(no_value_is_another_field_or_a_control),
		cmocka_unit_test(a_line_that_is_no_object_is_kept),
		cmocka_unit_test(a_datagram_has_the_journals_fields_and_the_lines),
		cmocka_unit_test(a_value_with_line_breaks_goes_with_its_length),
		cmocka_unit_test(a_name_is_no_longer_than_the_journal_takes),
	};

	return cmocka_run_group_tests_name("api_log_form", tests, NULL, NULL);
}
