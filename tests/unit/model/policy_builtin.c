/* model/policy_builtin and policy_explain: the built-in policies read as they are written.
 * Golden files: tests/golden/policy/NAME.txt and NAME.json, relative to the source root;
 * UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "model/policy.h"
#include "model/policy_explain.h"

static void each_name_has_a_text_and_others_none(void **state)
{
	static const char *const names[] = { "strict", "default", "contest", "build" };
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_string_equal(policy_builtin_at(i), names[i]);
		assert_non_null(policy_builtin(names[i], &len));
		assert_true(len > 500); /* with its comments: people copy it */
		assert_int_equal(policy_read_builtin(names[i], &policy, &e), 0);
		assert_string_equal(policy_text(&policy, KEY_NAME), names[i]);
		policy_done(&policy);
	}
	assert_null(policy_builtin_at(ARRAY_SIZE(names)));
	assert_null(policy_builtin("defualt", &len));
	assert_int_equal(policy_read_builtin("defualt", &policy, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_string_equal(e.text, "no policy 'defualt' (did you mean 'default'?)");
	assert_int_equal(policy_read_builtin("x", &policy, &e), -1);
	assert_string_equal(e.text, "no policy 'x'; built in are strict, default, contest, build");
}

static void leaving_comments_out_changes_nothing(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = policy_builtin_at(i)) != NULL; i++) {
		OWN(policy) bare = POLICY_NONE;
		OWN(policy) full = POLICY_NONE;
		OWN(str) bare_text = STR_NONE;
		OWN(str) full_text = STR_NONE;
		struct err e = ERR_INIT;
		const char *text, *source;
		size_t len;

		text = policy_builtin(name, &len);
		assert_int_equal(policy_read_builtin(name, &bare, &e), 0);
		source = bare.values[KEY_NAME].origin.source;
		assert_int_equal(policy_read(source, text, len, &full, &e), 0);
		policy_explain(&bare, &bare_text);
		policy_explain(&full, &full_text);
		assert_string_equal(str_text(&bare_text), str_text(&full_text));
	}
}

/* R13: absence is denial. Whoever edits a built-in policy meets this list. */
static void no_builtin_grants_what_it_need_not(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = policy_builtin_at(i)) != NULL; i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(policy_read_builtin(name, &policy, &e), 0);
		assert_int_equal(policy_n(&policy, KEY_NETWORK), NETWORK_NONE);
		assert_int_equal(policy_n(&policy, KEY_BOUNDARY), BOUNDARY_CONTAINER);
		assert_true(policy_n(&policy, KEY_SYS_DEFAULT) <= SYS_ERRNO);
		assert_true(policy.values[KEY_WALL].set && policy.values[KEY_MEMORY].set);
		assert_true(policy.values[KEY_PIDS].set && policy.values[KEY_OUTPUT].set);
		assert_true(policy.values[KEY_SWAP].set && policy_n(&policy, KEY_SWAP) == 0);
		assert_false(policy.fallback & FALLBACK_PROCESS);
		for (size_t k = 0; k < policy.n_grants; k++)
			assert_int_not_equal(policy.grants[k].kind, GRANT_WRITE);
		if (policy_n(&policy, KEY_THREAT) == THREAT_HOSTILE)
			assert_int_equal(policy.fallback, 0);
	}
}

static void compare_golden(const char *name, const char *kind, const char *text)
{
	char path[128], expected[32768];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "tests/golden/policy/%s.%s", name, kind);
	file = fopen(path, getenv("UPDATE_GOLDEN") ? "w+" : "r");
	assert_non_null(file);
	if (getenv("UPDATE_GOLDEN")) {
		fputs(text, file);
		rewind(file);
	}
	len = fread(expected, 1, sizeof(expected) - 1, file);
	expected[len] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

static void explaining_a_builtin_matches_its_golden_file(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = policy_builtin_at(i)) != NULL; i++) {
		OWN(policy) policy = POLICY_NONE;
		OWN(str) text = STR_NONE;
		OWN(json) json = JSON_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(policy_read_builtin(name, &policy, &e), 0);
		policy_explain(&policy, &text);
		compare_golden(name, "txt", str_text(&text));
		policy_explain_json(&policy, &json);
		json_put_line(&json);
		compare_golden(name, "json", json_written(&json));
	}
}

static void flags_show_up_as_the_origin(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read_builtin("default", &policy, &e), 0);
	assert_int_equal(policy_set(&policy, KEY_MEMORY, "64M",
				    (struct origin){ .source = "--mem" }, false, &e),
			 0);
	policy_explain(&policy, &text);
	assert_non_null(strstr(str_text(&text),
			       "limits.memory           64M                       --mem\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_name_has_a_text_and_others_none),
		cmocka_unit_test(leaving_comments_out_changes_nothing),
		cmocka_unit_test(no_builtin_grants_what_it_need_not),
		cmocka_unit_test(explaining_a_builtin_matches_its_golden_file),
		cmocka_unit_test(flags_show_up_as_the_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
