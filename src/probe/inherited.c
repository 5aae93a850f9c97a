/* What comes along by inheritance: descriptors, working directory, terminal, session, environment.
 */
#include "probe/attempts.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct outcome try_descriptors(GIVEN)
{
	const uint64_t extra = scene_inherited(scene);

	return extra ? outcome_allowed("descriptor %d is open", __builtin_ctzll(extra)) :
		       outcome_refused(0);
}

struct outcome try_descriptor_dir(GIVEN)
{
	const uint64_t open_fds = scene_inherited(scene) | 7;
	struct stat stat;

	for (int fd = 0; fd < 64; fd++)
		if ((open_fds >> fd & 1) && fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode))
			return outcome_allowed("descriptor %d is a directory", fd);
	return outcome_refused(0);
}

struct outcome try_descriptor_way(GIVEN)
{
	struct stat stat;

	if (!scene->secret)
		return outcome_skipped("no marker");
	for (int fd = 0; fd < 64; fd++)
		if (fstatat(fd, scene->secret + 1, &stat, 0) == 0)
			return outcome_allowed("the marker by way of descriptor %d", fd);
	return outcome_refused(errno);
}

struct outcome try_cwd_outside(GIVEN)
{
	char path[4096];

	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return outcome_refused(errno);
	return outcome_state(path[0] != '/', "the working directory lies outside the root",
			     "inside");
}

/* The number of the terminal behind a descriptor, 0 = unknown. */
static int64_t terminal_number(int fd)
{
	unsigned number = 0;

	return ioctl(fd, 0x80045432 /* TIOCGDEV */, &number) < 0 ? 0 : number;
}

struct outcome try_tty(GIVEN)
{
	const int fd = way_open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);

	return fd < 0 ? outcome_refused(errno) :
			outcome_allowed("terminal %d", (int)terminal_number(fd));
}

struct outcome try_tty_inherited(GIVEN)
{
	for (int fd = 0; fd < 3; fd++)
		if (scene->host_tty && terminal_number(fd) == scene->host_tty)
			return outcome_allowed("descriptor %d", fd);
	return outcome_refused(ENOTTY);
}

/* Pushes a blank into the harness's own terminal, never into a user's. */
struct outcome try_tty_push(GIVEN)
{
	const int fd = way_open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0)
		return outcome_refused(errno);
	if (!scene->host_tty || terminal_number(fd) != scene->host_tty)
		return outcome_skipped("the terminal is not the marker");
	return outcome_of(ioctl(fd, TIOCSTI, " "));
}

struct outcome try_tty_group(GIVEN)
{
	const int fd = way_open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);
	int group = 0;

	return fd < 0 ? outcome_refused(errno) : outcome_of(ioctl(fd, TIOCGPGRP, &group));
}

/* A terminal that is not the host's: the box's own, or one made here. -1 when there is none. */
static int own_terminal(const struct scene *scene)
{
	int unlocked = 0;
	const int present = way_open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);

	if (present >= 0 && scene->host_tty && terminal_number(present) != scene->host_tty)
		return present;
	/* Held already, where none can be opened: these attempts get a box with a terminal. */
	if (present < 0 && isatty(STDIN_FILENO))
		return STDIN_FILENO;
	const int master = way_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	const int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	setsid();
	return terminal >= 0 && ioctl(terminal, TIOCSCTTY, 0) == 0 ? terminal : -1;
}

/* A dangerous request there: only the filters stand before it. */
struct outcome try_own_tty(GIVEN)
{
	char operand[64] = "";
	const int terminal = own_terminal(scene);

	if (terminal < 0)
		return outcome_skipped("no terminal can be made");
	return outcome_of(syscall(SYS_ioctl, terminal, row->n, operand));
}

struct outcome try_session(GIVEN)
{
	const pid_t session = getsid(0);

	if (session < 0)
		return outcome_refused(errno);
	return outcome_state(session == 0 || session == scene->host_session, "the host's session",
			     "its own");
}

struct outcome try_group(GIVEN)
{
	const pid_t group = getpgrp();

	return outcome_state(group == 0 || group == scene->host_group, "the host's process group",
			     "its own");
}

struct outcome try_environment(GIVEN)
{
	if (!scene->token)
		return outcome_skipped("no marker");
	for (char **variable = environ; *variable; variable++)
		if (strstr(*variable, scene->token))
			return outcome_allowed("a variable of the host");
	return outcome_refused(0);
}
