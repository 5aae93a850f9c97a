/* api/metrics_text: what is written is one sample a line, whatever a label's value is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/metrics_text.h"
#include "base/mem.h"

static void a_labels_value_cannot_leave_its_quotes(void **state)
{
	static const struct metrics_label labels[METRICS_LABELS] = { { "a", "x\"} 1\ny\\z\r\t\033[31m\xff" }, { "b", "" } };
	OWN(str) out = STR_NONE;

	(void)state;
	metrics_number(&out, "n", labels, 7);
	assert_string_equal(str_text(&out), "n{a=\"x\\\"} 1\\ny\\\\z[31m\",b=\"\"} 7\n");
}

static void a_number_without_labels_has_no_braces(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	metrics_family(&out, "n", "gauge", "How many");
	metrics_number(&out, "n", NULL, UINT64_MAX);
	metrics_signed(&out, "n", -1);
	metrics_micro(&out, "n", NULL, 1000005);
	assert_string_equal(str_text(&out), "# HELP n How many.\n# TYPE n gauge\nn 18446744073709551615\nn -1\nn 1.000005\n");
}

static void buckets_are_sums_and_the_last_one_is_all(void **state)
{
	static const struct metrics_label labels[METRICS_LABELS] = { { "path", "warm" } };
	struct hist hist = { .total = 0 };
	OWN(str) out = STR_NONE;

	(void)state;
	hist_add(&hist, 12);
	hist_add(&hist, 14);
	hist_add(&hist, 3000000000);
	metrics_hist(&out, "s", labels, &hist);
	assert_non_null(strstr(str_text(&out), "s_bucket{path=\"warm\",le=\"0.000010\"} 0\n"));
	assert_non_null(strstr(str_text(&out), "s_bucket{path=\"warm\",le=\"0.000015\"} 2\n"));
	assert_non_null(strstr(str_text(&out), "s_bucket{path=\"warm\",le=\"100.000000\"} 2\n"));
	assert_non_null(strstr(str_text(&out), "s_bucket{path=\"warm\",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(str_text(&out), "s_sum{path=\"warm\"} 3000.000026\ns_count{path=\"warm\"} 3\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_labels_value_cannot_leave_its_quotes),
		cmocka_unit_test(a_number_without_labels_has_no_braces),
		cmocka_unit_test(buckets_are_sums_and_the_last_one_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
