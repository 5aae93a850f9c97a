/* plugin/spawn: what a program that was started has of its caller, and what it leaves. */
#include "plugin/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

/* What sh wrote to each of its streams; its wait status. */
struct said {
	int status;
	char out[4096], err[4096];
};

static void take(int fd, char *to, size_t cap)
{
	const ssize_t n = pread(fd, to, cap - 1, 0);

	assert_true(n >= 0);
	to[n] = '\0';
}

static struct said sh(const char *script, const int *pass, size_t n_pass)
{
	const char *const words[] = { "ward", "-c", script, NULL };
	struct said said;
	struct err e;
	pid_t pid;
	OWN_FD int policy = spawn_text("policy", "the policy\n", 11, &e);
	OWN_FD int out = memfd_create("out", MFD_CLOEXEC);
	OWN_FD int errors = memfd_create("errors", MFD_CLOEXEC);
	struct spawn how = { .ward = "/bin/sh", .words = words, .policy = policy, .output = out, .errors = errors, .n_pass = n_pass };

	assert_true(policy >= 0 && out >= 0 && errors >= 0);
	for (size_t i = 0; i < n_pass; i++)
		how.pass[i] = pass[i];
	assert_int_equal(spawn_ward(&how, &pid, &e), 0);
	said.status = spawn_wait(pid);
	take(out, said.out, sizeof(said.out));
	take(errors, said.err, sizeof(said.err));
	return said;
}

static void it_has_what_it_is_given_and_nothing_else(void **state)
{
	struct err e;
	OWN_FD int a = spawn_text("a", "A", 1, &e);
	OWN_FD int b = spawn_text("b", "B", 1, &e);
	OWN_FD int other = open("/dev/null", O_RDONLY); /* would be inherited */
	const int pass[] = { b, a };
	struct said said;

	(void)state;
	assert_true(a >= 0 && b >= 0 && other >= 0);
	assert_int_equal(setenv("WARD_SECRET", "yes", 1), 0);
	said = sh("cat; cat <&3; cat <&4; for fd in 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo left $fd; done; "
		  "echo \" [$WARD_SECRET]\"; echo no >&2; exit 7", pass, 2);
	assert_true(WIFEXITED(said.status) && WEXITSTATUS(said.status) == 7);
	assert_string_equal(said.out, "the policy\nBA []\n");
	assert_string_equal(said.err, "no\n");
}

/* Numbers that are a target of another: none is lost on the way. */
static void descriptors_may_lie_across_each_other(void **state)
{
	struct err e;
	OWN_FD int a = spawn_text("a", "A", 1, &e);
	OWN_FD int b = spawn_text("b", "B", 1, &e);
	OWN_FD int low = dup(a), next = dup(b);
	const int pass[] = { next, low, b, a };
	const struct said said = sh("for fd in 3 4 5 6; do eval \"head -c 1 /proc/$$/fd/$fd\"; done", pass, 4);

	(void)state;
	assert_string_equal(said.out, "BABA");
}

static void signals_and_terminal_are_its_own(void **state)
{
	char group[64];
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	signal(SIGHUP, SIG_IGN);
	const struct said said = sh("kill -HUP $$; kill -TERM $$; echo lived", NULL, 0);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	assert_true(WIFSIGNALED(said.status) && WTERMSIG(said.status) == SIGHUP);

	const struct said other = sh("read -r pid name state parent group rest </proc/$$/stat; echo $group", NULL, 0);
	snprintf(group, sizeof(group), "%d\n", (int)getpgrp());
	assert_string_not_equal(other.out, group);
}

static void without_an_output_it_writes_nowhere(void **state)
{
	const char *const words[] = { "ward", "-c", "[ /proc/$$/fd/1 -ef /dev/null ]", NULL };
	struct err e;
	pid_t pid;
	OWN_FD int policy = spawn_text("policy", "", 0, &e);
	const struct spawn how = { .ward = "/bin/sh", .words = words, .policy = policy, .output = -1, .errors = STDERR_FILENO };

	(void)state;
	assert_int_equal(spawn_ward(&how, &pid, &e), 0);
	assert_int_equal(spawn_wait(pid), 0);
	assert_int_equal(spawn_wait(pid), -1); /* somebody has reaped it */
}

static void a_program_that_is_not_there_is_named(void **state)
{
	const char *const words[] = { "ward", NULL };
	struct err e;
	pid_t pid;
	OWN_FD int policy = spawn_text("policy", "", 0, &e);
	const struct spawn how = { .ward = "/nowhere/ward", .words = words, .policy = policy, .output = -1, .errors = STDERR_FILENO };

	(void)state;
	assert_int_equal(spawn_ward(&how, &pid, &e), -1);
	assert_non_null(strstr(e.text, "/nowhere/ward"));
}

static void a_text_is_read_from_its_start_and_stays_as_it_is(void **state)
{
	struct err e;
	char got[8] = "";
	OWN_FD int fd = spawn_text("text", "one", 3, &e);

	(void)state;
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "one");
	assert_true(write(fd, "two", 3) < 0);
}

static void last_words_are_the_last_line(void **state)
{
	static const struct {
		const char *written, *last;
	} rows[] = {
		{ "", "" }, { "\n\n", "" }, { "one", "one" }, { "one\ntwo\n\n", "two" }, { "\nx", "x" },
	};
	char words[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OWN_FD int fd = memfd_create("errors", MFD_CLOEXEC);

		assert_true(write(fd, rows[i].written, strlen(rows[i].written)) >= 0);
		spawn_last_words(fd, words, sizeof(words));
		assert_string_equal(words, rows[i].last);
	}
	/* More than is looked at, and longer than there is room. */
	OWN_FD int fd = memfd_create("errors", MFD_CLOEXEC);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(write(fd, "ab\n", 3), 3);
	assert_int_equal(write(fd, "0123456789\n", 11), 11);
	spawn_last_words(fd, words, sizeof(words));
	assert_string_equal(words, "0123456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_what_it_is_given_and_nothing_else),
		cmocka_unit_test(descriptors_may_lie_across_each_other),
		cmocka_unit_test(signals_and_terminal_are_its_own),
		cmocka_unit_test(without_an_output_it_writes_nowhere),
		cmocka_unit_test(a_program_that_is_not_there_is_named),
		cmocka_unit_test(a_text_is_read_from_its_start_and_stays_as_it_is),
		cmocka_unit_test(last_words_are_the_last_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
