/* engine/signals: answered ones are read, ignored ones stay ignored, everything is put back. */
#include "engine/signals.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void signals_are_read_one_by_one(void **state)
{
	struct signals signals = SIGNALS_NONE;
	struct err e;

	(void)state;
	assert_int_equal(signals_open(&signals, false, &e), 0);
	assert_int_equal(signals_next(&signals), 0);
	raise(SIGTERM);
	raise(SIGUSR1);
	assert_int_equal(signals_next(&signals) + signals_next(&signals), SIGTERM + SIGUSR1);
	assert_int_equal(signals_next(&signals), 0);
	signals_close(&signals);
	signals_close(&signals);
}

static void what_the_caller_ignores_is_not_answered(void **state)
{
	struct signals signals = SIGNALS_NONE;
	struct err e;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(signals_open(&signals, false, &e), 0);
	raise(SIGHUP);
	assert_int_equal(signals_next(&signals), 0);
	signals_close(&signals);
	signal(SIGHUP, SIG_DFL);
}

static void a_closed_pipe_is_an_errno_until_the_end(void **state)
{
	struct signals signals = SIGNALS_NONE;
	struct sigaction now;
	struct err e;
	int ends[2];

	(void)state;
	assert_int_equal(signals_open(&signals, false, &e), 0);
	signals_ignore_pipe(&signals);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(ends[1]);
	signals_close(&signals);
	sigaction(SIGPIPE, NULL, &now);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
}

static void the_mask_is_put_back(void **state)
{
	struct signals signals = SIGNALS_NONE;
	sigset_t before, after;
	struct err e;

	(void)state;
	sigprocmask(SIG_BLOCK, NULL, &before);
	assert_int_equal(signals_open(&signals, true, &e), 0);
	sigprocmask(SIG_BLOCK, NULL, &after);
	assert_true(sigismember(&after, SIGTERM) && sigismember(&after, SIGTTIN));
	signals_close(&signals);
	sigprocmask(SIG_BLOCK, NULL, &after);
	for (int i = 1; i < 32; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_read_one_by_one),
		cmocka_unit_test(what_the_caller_ignores_is_not_answered),
		cmocka_unit_test(a_closed_pipe_is_an_errno_until_the_end),
		cmocka_unit_test(the_mask_is_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
