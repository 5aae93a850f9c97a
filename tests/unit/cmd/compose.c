/* cmd/compose with cmd/run_options: what flags may do to a policy, and what needs --widen. */
#include "cmd/compose.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/run_options.h"

#define WORDS 8

/* Composes from words as `ward run` would; 0, or -1 with the error. */
static int compose(const char *const *words, struct policy *out, struct err *e)
{
	const struct command command = { .options = run_options_table };
	struct opt_reader reader = { .table = run_options_table };
	struct opt_hit hits[WORDS];
	struct args args = { .hits = hits };
	const char *source;
	int more;

	reader.argv = (char *const *)(uintptr_t)words;
	reader.n = command_count_options(&command);
	while ((more = opt_next(&reader, &hits[args.n_hits], e)) > 0)
		args.n_hits++;
	assert_int_equal(more, 0);
	return compose_policy(&args, out, &source, e);
}

struct row {
	const char *words[WORDS];
	const char *error;      /* a part of it; NULL: it is accepted */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		const int rc = compose(rows[i].words, &policy, &e);

		if (rc < 0 && (!rows[i].error || !strstr(e.text, rows[i].error)))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(rc, rows[i].error ? -1 : 0);
	}
}

static void a_flag_narrows_and_widening_is_said(void **state)
{
	static const struct row rows[] = {
		{ { "--mem=64M" }, NULL },
		{ { "--mem=64G" }, "--widen" },
		{ { "--mem=64G", "--widen" }, NULL },
		{ { "--widen", "--mem=64G" }, NULL },
		{ { "--set=limits.memory=64M" }, NULL },
		{ { "--set=limits.memory=64G" }, "--widen" },
		{ { "--mem=64M", "--mem=65M" }, "from --mem" },
		{ { "--net=host" }, "--widen" },
		{ { "-p", "strict", "--mdwe=false" }, "--widen" },
		{ { "--mdwe" }, NULL },
		{ { "--cpu=7" }, "no unit" },
		{ { "--set=limits.memroy=1M" }, "did you mean 'limits.memory'" },
		{ { "--set=limits" }, "KEY=VALUE" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void adding_needs_widen_when_a_policy_was_named(void **state)
{
	static const struct row rows[] = {
		{ { "--ro=/usr/share" }, NULL },
		{ { "--ro=/usr/share", "-p", "default" }, "add --widen" },
		{ { "-p", "default", "--widen", "--ro=/usr/share" }, NULL },
		{ { "-p", "default", "--tmp=/t:1M" }, "add --widen" },
		{ { "-p", "default", "--env-keep" }, "add --widen" },
		{ { "-p", "default", "-e", "A=b", "-e", "HOME" }, NULL },
		{ { "--ro=/proc/1/root" }, "never granted" },
		{ { "--rw=/usr/share:/etc/../x" }, "not a plain path" },
		{ { "--ro=" }, "no path" },
		{ { "-e", "=x" }, "no name" },
		{ { "-e", "LD_PRELOAD" }, "loader" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void the_boundary_of_a_builtin_policy_is_free(void **state)
{
	static const struct row rows[] = {
		{ { "-b", "process" }, NULL },
		{ { "-b", "process", "-p", "default" }, NULL },
		{ { "-b", "process", "-p", "strict" }, "never has" },   /* it requires mountns */
		{ { "-b", "procces" }, "did you mean 'process'" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void layers_are_required_by_name(void **state)
{
	static const struct row rows[] = {
		{ { "--require=seccomp,caps" }, NULL },
		{ { "--require=seccomp,cap" }, "did you mean 'caps'" },
		{ { "--require=xyzzy" }, "unknown layer" },
	};
	const char *const words[] = { "--require=seccomp,caps", "--best-effort", NULL };
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
	assert_int_equal(compose(words, &policy, &e), 0);
	assert_true(policy.require & LAYER_BIT(LAYER_SECCOMP) &&
		    policy.require & LAYER_BIT(LAYER_CAPS));
	assert_int_equal(policy.fallback, FALLBACK_PROCESS | FALLBACK_RLIMITS);
}

static void a_descriptor_is_passed_when_the_caller_left_it_open(void **state)
{
	char word[32];
	const char *words[] = { word, NULL };
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;
	const int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_true(fd > 2);
	snprintf(word, sizeof(word), "--pass-fd=%d", fd);
	assert_int_equal(compose(words, &policy, &e), 0);
	assert_int_equal(policy.n_pass, 1);
	assert_int_equal(policy.pass_fds[0], fd);
	policy_done(&policy);
	assert_int_equal(fcntl(fd, F_SETFD, FD_CLOEXEC), 0); /* as if ward had opened it */
	assert_int_equal(compose(words, &policy, &e), -1);
	close(fd);
	assert_int_equal(compose(words, &policy, &e), -1);
	assert_non_null(strstr(e.text, "is not open"));
}

static void a_relative_path_starts_where_the_caller_is(void **state)
{
	static const char *const words[] = { "--ro=./a", "--rw=../b:/in", NULL };
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(chdir("/usr/share"), 0);
	assert_int_equal(compose(words, &policy, &e), 0);
	assert_string_equal(policy.grants[policy.n_grants - 2].what, "/usr/share/a");
	assert_string_equal(policy.grants[policy.n_grants - 2].as, "/usr/share/a");
	assert_string_equal(policy.grants[policy.n_grants - 1].what, "/usr/b");
	assert_string_equal(policy.grants[policy.n_grants - 1].as, "/in");
	assert_string_equal(policy.grants[policy.n_grants - 1].origin.source, "--rw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flag_narrows_and_widening_is_said),
		cmocka_unit_test(adding_needs_widen_when_a_policy_was_named),
		cmocka_unit_test(the_boundary_of_a_builtin_policy_is_free),
		cmocka_unit_test(layers_are_required_by_name),
		cmocka_unit_test(a_descriptor_is_passed_when_the_caller_left_it_open),
		cmocka_unit_test(a_relative_path_starts_where_the_caller_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
