/* The danger data: every row can be asked, shown and acted upon. */
#include "judge/danger.h"

#include <asm/unistd_32.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/policy.h"
#include "model/syscalls.h"

static void every_id_is_found_and_is_the_only_one(void **state)
{
	struct danger danger, found;
	size_t n = 0;

	(void)state;
	for (; danger_at(n, &danger); n++) {
		assert_true(danger_find(danger.id, &found));
		assert_string_equal(found.why, danger.why);
		assert_ptr_equal(found.reaches, danger.reaches);
	}
	assert_true(n >= 91);
	assert_false(danger_find("tty.stj", &found));
}

static void every_sentence_ends(void **state)
{
	struct danger danger;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++) {
		assert_int_equal(danger.why[strlen(danger.why) - 1], '.');
		assert_true(danger.tolerable && *danger.tolerable);
		assert_int_not_equal(danger.tolerable[strlen(danger.tolerable) - 1], '.');
		assert_true(danger.severity > SEVERITY_NONE && danger.severity < SEVERITIES);
	}
}

/* The rest of lint counts on these. */
static void every_question_is_one(void **state)
{
	struct danger danger;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++)
		for (size_t j = 0; j < danger.n_reaches; j++) {
			const struct danger_reach *const reach = &danger.reaches[j];

			assert_non_null(syscalls_name(reach->nr));
			for (size_t k = 0; k < ARRAY_SIZE(reach->tests); k++) {
				assert_true(reach->tests[k].arg < 6);
				assert_true(reach->tests[k].op == FILTER_EQ ||
					    reach->tests[k].op == FILTER_NE);
			}
		}
}

static void no_surrounding_makes_it_worse(void **state)
{
	struct danger danger;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++)
		for (size_t j = 0; j < danger.n_eases; j++)
			assert_true(danger.eases[j].to < danger.severity);
}

static void every_error_has_a_number(void **state)
{
	struct danger danger;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++) {
		bool is_known = !danger.errno_name;

		for (int number = 1; !is_known && number < 134; number++)
			is_known = strerrorname_np(number) &&
				   strcmp(strerrorname_np(number), danger.errno_name) == 0;
		assert_true(is_known);
	}
}

/* What lint proposes must be a policy. */
static void what_may_be_kept_is_a_rule_of_a_policy(void **state)
{
	struct danger danger;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++)
		for (size_t j = 0; j < danger.n_reaches && danger.keep_when; j++) {
			const struct danger_reach *const reach = &danger.reaches[j];
			const size_t before = strcspn(danger.keep_when, "#");
			OWN(policy) policy = POLICY_NONE;
			OWN(str) text = STR_NONE;
			struct err e = ERR_INIT;

			if (!reach->has_tests || reach->is_whole)
				continue;
			str_addf(&text, "version: 1\nname: x\nfiles: [{read: host}]\nsyscalls:\n  allow: "
				 "[\"@default\"]\n  rules:\n    - {call: %s, when: {%.*s%u%s}}\n",
				 syscalls_name(reach->nr), (int)before, danger.keep_when, reach->tests[0].arg,
				 danger.keep_when + before + 1);
			if (policy_read("x.yaml", str_text(&text), text.len, &policy, &e) < 0)
				fail_msg("%s: %s", danger.id, e.text);
			n++;
		}
	assert_true(n > 50);
}

static void settings_for_policies_are_such(void **state)
{
	struct danger danger;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; danger_at(i, &danger); i++) {
		OWN(policy) policy = POLICY_NONE;
		OWN(str) text = STR_NONE;
		struct err e = ERR_INIT;

		if (!danger.policy)
			continue;
		str_addf(&text, "version: 1\nname: x\nfiles: [{read: host}]\n%s\n", danger.policy);
		if (policy_read("x.yaml", str_text(&text), text.len, &policy, &e) < 0)
			fail_msg("%s: %s", danger.id, e.text);
		n++;
	}
	assert_true(n >= 3);
}

static void severities_have_names(void **state)
{
	(void)state;
	for (int i = SEVERITY_INFO; i < SEVERITIES; i++)
		assert_int_equal(severity_find(severity_name((enum severity)i)), i);
	assert_int_equal(severity_find("none"), -1);
	assert_int_equal(severity_find("worst"), -1);
}

static void the_worst_of_a_call_is_known(void **state)
{
	(void)state;
	assert_int_equal(danger_of_call((uint32_t)syscalls_number("ptrace")), SEVERITY_CRITICAL);
	assert_int_equal(danger_of_call((uint32_t)syscalls_number("kcmp")), SEVERITY_LOW);
	assert_int_equal(danger_of_call((uint32_t)syscalls_number("read")), SEVERITY_NONE);
	/* Named with an entry, and no question by itself. */
	assert_int_equal(danger_of_call((uint32_t)syscalls_number("wait4")), SEVERITY_NONE);
}

static void every_class_has_several_spellings(void **state)
{
	struct danger_class class;
	size_t n = 0;

	(void)state;
	for (; danger_class_at(n, &class); n++)
		assert_true(class.n >= 2 && class.n <= DANGER_SPELLINGS);
	assert_true(n >= 10);
}

/* Ours against the header's. */
static void numbers_of_the_32_bit_table_are_the_kernels(void **state)
{
	static const struct {
		unsigned ours, theirs;
	} rows[] = {
#define X32(...)
#define I386(name, number) { number, __NR_##name },
#include "judge/abi.def"
#undef I386
#undef X32
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(rows[i].ours, rows[i].theirs);
	assert_int_equal(__NR_socketcall, 102);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_is_found_and_is_the_only_one),
		cmocka_unit_test(every_sentence_ends),
		cmocka_unit_test(every_question_is_one),
		cmocka_unit_test(no_surrounding_makes_it_worse),
		cmocka_unit_test(every_error_has_a_number),
		cmocka_unit_test(what_may_be_kept_is_a_rule_of_a_policy),
		cmocka_unit_test(settings_for_policies_are_such),
		cmocka_unit_test(severities_have_names),
		cmocka_unit_test(the_worst_of_a_call_is_known),
		cmocka_unit_test(every_class_has_several_spellings),
		cmocka_unit_test(numbers_of_the_32_bit_table_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
