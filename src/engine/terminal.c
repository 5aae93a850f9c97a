/* Modes and size of a terminal. Refuses to touch a terminal that belongs to somebody else's
 * foreground. */
#include "engine/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

void terminal_raw(struct terminal *terminal, int fd)
{
	struct termios raw;

	if (terminal->is_raw || fd < 0 || tcgetattr(fd, &raw) < 0 || tcgetpgrp(fd) != getpgrp())
		return;
	terminal->saved = raw;
	terminal->fd = fd;
	cfmakeraw(&raw);
	terminal->is_raw = tcsetattr(fd, TCSANOW, &raw) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	/* TCSADRAIN would wait for ever when the terminal's output is stopped (Ctrl-S). */
	if (terminal->is_raw)
		(void)tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
	terminal->is_raw = false;
}

static bool look(int in_fd, int out_fd, struct winsize *size)
{
	return ioctl(in_fd, TIOCGWINSZ, size) == 0 || ioctl(out_fd, TIOCGWINSZ, size) == 0;
}

uint32_t terminal_size(int in_fd, int out_fd)
{
	struct winsize size;

	return look(in_fd, out_fd, &size) ? (uint32_t)size.ws_row << 16 | size.ws_col : 0;
}

void terminal_copy_size(int in_fd, int out_fd, int master_fd)
{
	struct winsize size;

	if (look(in_fd, out_fd, &size))
		(void)ioctl(master_fd, TIOCSWINSZ, &size);
}
