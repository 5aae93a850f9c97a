/* cmd/policy_find: where a policy is looked for, and what its relative paths mean. */
#include "cmd/policy_find.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINIMAL "version: 1\nsyscalls: {allow: ['@default']}\n"

static void put(const char *path, const char *text)
{
	FILE *const file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

/* A directory with policies, the current one; /tmp is never a link's end here. */
static int set_up(void **state)
{
	static char directory[] = "/tmp/ward-policy-find-XXXXXX";

	*state = mkdtemp(directory);
	if (!*state || chdir(directory) < 0 || mkdir("ward", 0700) < 0 || mkdir("sub", 0700) < 0)
		return -1;
	put("ward/mine.yaml", MINIMAL "name: mine\n");
	put("trap.yaml", MINIMAL "name: trap\n");
	put("sub/relative.yaml", MINIMAL "image: ./root\n"
	    "files: [{read: image}, {read: ./data, as: /data}, {read: /abs}]\n");
	return setenv("XDG_CONFIG_HOME", directory, 1);
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*state);
	return chdir("/") < 0 || system(command) != 0 ? -1 : 0;
}

static int find(const char *name, struct policy *out, struct err *e)
{
	const char *source;

	return policy_find(name, out, &source, e);
}

static void a_name_is_never_looked_for_in_the_current_directory(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(find("trap", &policy, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_int_equal(find("trap.yaml", &policy, &e), 0);    /* named as a file */
}

static void a_policy_is_found_by_name_and_by_path(void **state)
{
	static const struct { const char *name, *error; } rows[] = {
		{ "default", NULL },
		{ "mine", NULL },
		{ "./trap.yaml", NULL },
		{ "sub/../trap.yaml", NULL },
		{ "strcit", "did you mean 'strict'" },
		{ "nothing-like-it", "not built in" },
		{ "", "no name" },
		{ "./absent.yaml", "no such file" },
		{ "/dev/null", "not a regular file" },
		{ "./sub", "not a regular file" },
		{ "./fifo.yaml", "not a regular file" },
		{ "./big.yaml", "longer than" },
	};
	static char big[(1 << 20) + 2];

	(void)state;
	assert_int_equal(mkfifo("fifo.yaml", 0600), 0);
	memset(big, '#', sizeof(big) - 1);
	put("big.yaml", big);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		const int rc = find(rows[i].name, &policy, &e);

		if (rc < 0 && (!rows[i].error || !strstr(e.text, rows[i].error)))
			fail_msg("%s: %s", rows[i].name, e.text);
		assert_int_equal(rc, rows[i].error ? -1 : 0);
	}
}

static void relative_paths_of_a_file_start_at_the_file(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;
	char expected[64];

	if (find("sub/relative.yaml", &policy, &e) < 0)
		fail_msg("%s", e.text);
	snprintf(expected, sizeof(expected), "%s/sub/root", (const char *)*state);
	assert_string_equal(policy_text(&policy, KEY_IMAGE), expected);
	assert_string_equal(policy.grants[0].what, "image");
	snprintf(expected, sizeof(expected), "%s/sub/data", (const char *)*state);
	assert_string_equal(policy.grants[1].what, expected);
	assert_string_equal(policy.grants[1].as, "/data");
	assert_string_equal(policy.grants[2].what, "/abs");
}

static void paths_of_the_command_line_are_made_absolute(void **state)
{
	static const struct { const char *path, *expected; } rows[] = {
		{ "/a/b", "/a/b" },       { ".", "/usr/share" },      { "./", "/usr/share" },
		{ "a", "/usr/share/a" },  { "./a/", "/usr/share/a" }, { "..", "/usr" },
		{ "../..", "/" },         { "../../..", "/" },        { "../../../a", "/a" },
		{ "../a/b", "/usr/a/b" }, { ".a", "/usr/share/.a" },  { "..a", "/usr/share/..a" },
		{ "...", "/usr/share/..." }, { "././../a", "/usr/a" }, { ".//a", "/usr/share/a" },
	};
	OWN(arena) arena = { .blocks = NULL };
	struct err e = ERR_INIT;

	assert_int_equal(chdir("/usr/share"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *out = NULL;

		assert_int_equal(policy_find_path(rows[i].path, &arena, &out, &e), 0);
		assert_string_equal(out, rows[i].expected);
	}
	assert_int_equal(chdir(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_never_looked_for_in_the_current_directory),
		cmocka_unit_test(a_policy_is_found_by_name_and_by_path),
		cmocka_unit_test(relative_paths_of_a_file_start_at_the_file),
		cmocka_unit_test(paths_of_the_command_line_are_made_absolute),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
