/* engine/terminal: raw only where it is ours, put back always, the same size inside. */
#include "engine/terminal.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a session whose terminal it is: 0, or the number of the step that went wrong. */
static int work_on_own_terminal(void)
{
	struct terminal terminal = TERMINAL_NONE;
	struct termios before, raw, after;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0 || setsid() < 0 ||
	    ioctl(slave, TIOCSCTTY, 0) < 0)
		return 1;
	tcgetattr(slave, &before);
	terminal_raw(&terminal, slave);
	tcgetattr(slave, &raw);
	if (!terminal.is_raw || (raw.c_lflag & (ICANON | ECHO | ISIG)))
		return 2;
	terminal_raw(&terminal, slave); /* twice must not save the raw mode as the old one */
	terminal_restore(&terminal);
	terminal_restore(&terminal);
	tcgetattr(slave, &after);
	return after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag ? 0 : 3;
}

static void our_own_terminal_becomes_raw_and_is_put_back(void **state)
{
	const pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(work_on_own_terminal());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void somebody_elses_terminal_is_left_alone(void **state)
{
	struct terminal terminal = TERMINAL_NONE;
	int master, slave, ends[2];

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(pipe(ends), 0);
	terminal_raw(&terminal, slave);
	terminal_raw(&terminal, ends[0]);
	terminal_raw(&terminal, -1);
	assert_false(terminal.is_raw);
	close(master);
	close(slave);
	close(ends[0]);
	close(ends[1]);
}

static void the_size_is_that_of_the_first_terminal(void **state)
{
	const struct winsize size = { .ws_row = 33, .ws_col = 77 };
	struct winsize inside = { 0 };
	int outer[2], inner[2];

	(void)state;
	assert_int_equal(openpty(&outer[0], &outer[1], NULL, NULL, &size), 0);
	assert_int_equal(openpty(&inner[0], &inner[1], NULL, NULL, NULL), 0);
	terminal_copy_size(-1, outer[1], inner[0]);
	assert_int_equal(terminal_size(-1, outer[1]), 33 << 16 | 77);
	assert_int_equal(terminal_size(-1, -1), 0);
	assert_int_equal(ioctl(inner[1], TIOCGWINSZ, &inside), 0);
	assert_int_equal(inside.ws_row, 33);
	assert_int_equal(inside.ws_col, 77);
	for (int i = 0; i < 2; i++) {
		close(outer[i]);
		close(inner[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_terminal_becomes_raw_and_is_put_back),
		cmocka_unit_test(somebody_elses_terminal_is_left_alone),
		cmocka_unit_test(the_size_is_that_of_the_first_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
