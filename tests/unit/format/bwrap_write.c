/* format/bwrap_write: the script says what the policy says, and a hostile name stays a word. */
#include "format/bwrap_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "boxes.h"

static const char policy[] =
	"version: 1\nlimits: {memory: 128M, pids: 7, wall: 90s, cpu: 2500ms, files: 64}\n"
	"network: none\ncwd: /out\nfiles:\n  - read: host\n  - {write: \"/srv/o'u$(t)\", as: /out}\n"
	"  - {exec: /srv/tool, as: /out/tool}\n  - {scratch: /tmp, size: 1M}\n"
	"env: {keep: [LANG], set: {WHO: \"a'b`c\"}}\nidentity: {uid: 77, hostname: there}\n"
	"syscalls:\n  default: errno\n  allow: [execve, wait4]\n";

static void options_follow_the_policy(void **state)
{
	static const char *const says[] = {
		"--unshare-net", "--die-with-parent --new-session --cap-drop ALL", "--uid 77 --gid 1000",
		"--hostname 'there'", "--ro-bind-try '/usr' '/usr'", "--bind '/srv/o'\\''u$(t)' '/out'",
		"--ro-bind '/srv/tool' '/out/tool'", "--perms 1777 --size 1048576 --tmpfs '/tmp'", "--chdir '/out'",
		"--setenv 'WHO' 'a'\\''b`c'", "${LANG+--setenv LANG \"$LANG\"}", "timeout -k 0.001 90.000 prlimit",
		"--nofile=64", "--cpu=3", "-- 'prog' 'it'\\''s'",
	};
	static const char *const argv[] = { "prog", "it's", NULL };
	struct boxed *const made = boxed_write("bwrap", policy, strlen(policy), "test", argv, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(boxed_out(made), says[i]))
			fail_msg("'%s' is missing in\n%s", says[i], boxed_out(made));
	assert_null(strstr(boxed_out(made), "--as-pid-1"));
	assert_null(strstr(boxed_out(made), "--proc"));
	assert_null(strstr(boxed_out(made), "\"$@\""));
	assert_true(boxed_has_note(made, true, "-p MemoryMax=134217728 -p TasksMax=7"));
	assert_true(boxed_has_note(made, true, "/out: programs there can be executed"));
	assert_false(boxed_has_note(made, true, "/out/tool:"));
	/* What lies in a place comes after it. */
	assert_true(strstr(boxed_out(made), "'/out/tool'") > strstr(boxed_out(made), "'/out'"));
	boxed_free(made);
}

static unsigned value_of(char digit)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *const at = strchr(digits, digit);

	assert_non_null(at);
	return (unsigned)(at - digits);
}

static void the_filter_in_the_script_is_the_filter(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(near_policies); p++) {
		struct boxed *const made = boxed_builtin("bwrap", near_policies[p]);
		const unsigned char *const wanted = (const void *)made->program;
		const char *at = strstr(boxed_out(made), "<<'END'\n") + 8;
		size_t n = 0;

		for (uint32_t word = 0, bits = 0; strncmp(at, "END", 3) != 0; at++) {
			if (*at == '\n' || *at == '=')
				continue;
			word = word << 6 | value_of(*at);
			bits += 6;
			if (bits < 8)
				continue;
			bits -= 8;
			assert_int_equal(word >> bits & 0xff, wanted[n++]);
		}
		assert_int_equal(n, made->box.n * sizeof(*made->program));
		boxed_free(made);
	}
}

static void a_policy_without_waiting_runs_the_program_as_pid_1(void **state)
{
	struct boxed *const made = boxed_builtin("bwrap", "strict");

	(void)state;
	assert_non_null(strstr(boxed_out(made), "--as-pid-1"));
	assert_true(boxed_has_note(made, false, "PID 1"));
	boxed_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_follow_the_policy),
		cmocka_unit_test(the_filter_in_the_script_is_the_filter),
		cmocka_unit_test(a_policy_without_waiting_runs_the_program_as_pid_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
