/* cmd/environment: only what a rule names, and the defaults. */
#include "cmd/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *const mine[] = {
	(char[]){ "SECRET=hunter2" }, (char[]){ "LANG=C.UTF-8" }, (char[]){ "TERM=xterm" },
	(char[]){ "PATH=/evil" }, (char[]){ "EMPTY=" }, (char[]){ "LANGUAGE=de" }, NULL,
};

struct row {
	const char *name, *value;       /* a rule: value NULL keeps ward's own */
	const char *look, *expected;    /* then this variable has this value, NULL = is absent */
};

static const char *get_with(const struct row *row, bool pty, struct arena *arena)
{
	struct env_rule rules[2] = { { .name = row->name, .value = row->value } };
	const struct policy policy = { .env = rules, .n_env = row->name ? 1 : 0 };

	return environment_get(environment_make(&policy, mine, pty, arena), row->look);
}

static void a_variable_is_there_because_a_rule_names_it(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, "SECRET", NULL },
		{ NULL, NULL, "LANG", NULL },
		{ NULL, NULL, "PATH", "/usr/local/bin:/usr/bin:/bin" },
		{ NULL, NULL, "HOME", "/" },
		{ NULL, NULL, "TERM", NULL },
		{ "LANG", NULL, "LANG", "C.UTF-8" },
		{ "LANG", NULL, "LANGUAGE", NULL },
		{ "LANGUAGE", NULL, "LANG", NULL },
		{ "PATH", NULL, "PATH", "/evil" },
		{ "PATH", "/bin", "PATH", "/bin" },
		{ "EMPTY", NULL, "EMPTY", "" },
		{ "ABSENT", NULL, "ABSENT", NULL },
		{ "X", "a=b", "X", "a=b" },
		{ "HOME", "/h", "HOME", "/h" },
	};
	OWN(arena) arena = { .blocks = NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const value = get_with(&rows[i], false, &arena);

		if (rows[i].expected)
			assert_string_equal(value, rows[i].expected);
		else
			assert_null(value);
	}
}

static void a_terminal_brings_its_type_along(void **state)
{
	static const struct row row = { .look = "TERM" };
	OWN(arena) arena = { .blocks = NULL };

	(void)state;
	assert_string_equal(get_with(&row, true, &arena), "xterm");
}

static void a_later_rule_replaces_an_earlier_one(void **state)
{
	struct env_rule rules[] = { { .name = "A", .value = "1" }, { .name = "B", .value = "x" },
				    { .name = "A", .value = "2" }, { .name = "B" } };
	const struct policy policy = { .env = rules, .n_env = ARRAY_SIZE(rules) };
	OWN(arena) arena = { .blocks = NULL };
	const char *const *const envp = environment_make(&policy, mine, false, &arena);
	size_t n = 0;

	(void)state;
	assert_string_equal(environment_get(envp, "A"), "2");
	assert_string_equal(environment_get(envp, "B"), "x");  /* ward has no B to keep */
	while (envp[n])
		n++;
	assert_int_equal(n, 4);
}

static void home_is_where_the_program_can_write(void **state)
{
	struct grant grants[] = {
		{ .kind = GRANT_READ, .what = "/data", .as = "/data" },
		{ .kind = GRANT_SCRATCH, .as = "/scratch" },
		{ .kind = GRANT_WRITE, .what = "/w", .as = "/w" },
	};
	struct policy policy = { .grants = grants, .n_grants = ARRAY_SIZE(grants) };
	OWN(arena) arena = { .blocks = NULL };
	const char *const *envp;

	(void)state;
	envp = environment_make(&policy, mine, false, &arena);
	assert_string_equal(environment_get(envp, "HOME"), "/scratch");
	policy.values[KEY_CWD] = (struct policy_value){ .set = true, .text = "/work" };
	envp = environment_make(&policy, mine, false, &arena);
	assert_string_equal(environment_get(envp, "HOME"), "/work");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_is_there_because_a_rule_names_it),
		cmocka_unit_test(a_terminal_brings_its_type_along),
		cmocka_unit_test(a_later_rule_replaces_an_earlier_one),
		cmocka_unit_test(home_is_where_the_program_can_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
