/* By rounds: a child that dies hands us its own children, which the next round finds. */
#include "mech/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/* proc(5): /proc/PID/task/TID/children; complete only while they stand still, hence the rounds. */
void orphans_signal(int number)
{
	NO_INIT char list[4096];
	const int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	const ssize_t got = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);
	char *at = list;

	if (fd >= 0)
		close(fd);
	list[got > 0 ? got : 0] = '\0';
	while (*at) {
		char *after;
		const long pid = strtol(at, &after, 10);

		/* A number that the end of the buffer cut is another process's. */
		if (after == at || (size_t)(after - list) >= sizeof(list) - 1)
			break;
		if (pid > 1)
			kill((pid_t)pid, number);
		at = after + (*after == ' ');
	}
}

int orphans_kill(unsigned wait_ms, struct err *e)
{
	const struct timespec nap = { .tv_nsec = 500000 };

	for (unsigned tries = 0; tries < wait_ms * 2; tries++) {
		int pid;

		orphans_signal(SIGKILL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return 0;
		nanosleep(&nap, NULL);
	}
	return err_set(e, ERR_SYSTEM, "processes of the box cannot be killed");
}
