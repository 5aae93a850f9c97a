/* A step with a terminal of its own: a pair of the box's own devpts. The step's session has it as its controlling one;
 * nothing outside the box is a terminal. */
#include "serve/step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

void tty_resize(int master_fd, const struct frame_resize *size)
{
	const struct winsize window = { .ws_row = size->rows, .ws_col = size->cols };

	(void)!ioctl(master_fd, TIOCSWINSZ, &window);
}

static int open_master(char name[64])
{
	const int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), unlock = 0;
	unsigned number;

	if (fd < 0)
		return -1;
	if (ioctl(fd, TIOCSPTLCK, &unlock) < 0 || ioctl(fd, TIOCGPTN, &number) < 0) {
		close(fd);
		return -1;
	}
	snprintf(name, 64, "/dev/pts/%u", number);
	return fd;
}

int tty_spawn(char *const *argv, char *const *envp, const struct frame_resize *size, struct child *out)
{
	static const int none[5] = { -1, -1, -1, -1, -1 };
	struct child child = CHILD_NONE;
	char name[64];
	int sys;

	child.out_fd = open_master(name);
	child.in_fd = child.out_fd < 0 ? -1 : fcntl(child.out_fd, F_DUPFD_CLOEXEC, 0);
	if (child.in_fd < 0) {
		sys = errno;
	} else {
		tty_resize(child.in_fd, size);
		sys = child_start(argv, envp, none, name, &child.pid);
	}
	if (sys) {
		child_close(&child);
		return sys;
	}
	*out = child;
	return 0;
}
