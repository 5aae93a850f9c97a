/* engine/deny: how refused calls are judged and counted. The listener itself is played in run.c. */
#include "engine/deny.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void add(struct filter_set *set, uint32_t nr, enum filter_act act, uint16_t sys,
		uint32_t line)
{
	const struct filter_row row = { .nr = nr, .act = (uint8_t)act, .sys = sys, .line = line,
					.origin = line ? "policy" : "@group" };

	filter_add(set, &row);
}

static void a_call_is_never_answered_with_success(void **state)
{
	static const struct {
		uint32_t nr;
		enum filter_act act;
		int sys;        /* 0: any */
	} rows[] = {
		{ SYS_getpid, FILTER_ERRNO, ENOENT },
		{ SYS_getppid, FILTER_NOTIFY, EACCES },
		{ SYS_getuid, FILTER_ALLOW, EPERM },    /* should not have come: still no */
		{ SYS_getgid, FILTER_LOG, EPERM },
		{ SYS_setuid, FILTER_ERRNO, 0 },        /* a row without an errno */
		{ SYS_mount, FILTER_ERRNO, 0 },         /* no row */
	};
	struct filter_set set = FILTER_SET_NONE;
	const uint64_t args[6] = { 0 };

	(void)state;
	set.otherwise = FILTER_ERRNO;
	add(&set, SYS_getpid, FILTER_ERRNO, ENOENT, 3);
	add(&set, SYS_getppid, FILTER_NOTIFY, EACCES, 4);
	add(&set, SYS_getuid, FILTER_ALLOW, 0, 5);
	add(&set, SYS_getgid, FILTER_LOG, 0, 6);
	add(&set, SYS_setuid, FILTER_ERRNO, 0, 7);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct ruling ruling = deny_judge(&set, rows[i].nr, args);

		assert_int_equal(ruling.act, rows[i].act);
		assert_int_not_equal(ruling.sys, 0);
		assert_non_null(ruling.origin);
		if (rows[i].sys)
			assert_int_equal(ruling.sys, rows[i].sys);
	}
	filter_set_done(&set);
}

static void the_same_call_by_the_same_rule_is_one_entry(void **state)
{
	struct result result = { 0 };
	const struct ruling a = { FILTER_ERRNO, EPERM, 3, "policy" };
	const struct ruling b = { FILTER_ERRNO, EPERM, 4, "policy" };
	const uint64_t first[6] = { 1, 2, 3, 4, 5, 6 }, later[6] = { 9 };

	(void)state;
	assert_non_null(deny_record(&result, &a, 7, first));
	assert_null(deny_record(&result, &a, 7, later));
	assert_non_null(deny_record(&result, &b, 7, later));
	assert_non_null(deny_record(&result, &a, 8, later));
	assert_int_equal(result.n_denials, 3);
	assert_int_equal(result.denials[0].count, 2);
	assert_int_equal(result.denials[0].args[5], 6);
	assert_int_equal(result.denials[1].count, 1);
}

static void the_list_is_bounded_and_the_rest_is_counted(void **state)
{
	static struct result result;
	const struct ruling ruling = { .act = FILTER_ERRNO, .sys = EPERM, .origin = "default" };
	const uint64_t args[6] = { 0 };

	(void)state;
	for (uint32_t nr = 0; nr < 1000; nr++)
		(void)deny_record(&result, &ruling, nr, args);
	(void)deny_record(&result, &ruling, 0, args);
	assert_int_equal(result.n_denials, RESULT_DENIALS);
	assert_int_equal(result.denials_more, 1000 - RESULT_DENIALS);
	assert_int_equal(result.denials[0].count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_never_answered_with_success),
		cmocka_unit_test(the_same_call_by_the_same_rule_is_one_entry),
		cmocka_unit_test(the_list_is_bounded_and_the_rest_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
