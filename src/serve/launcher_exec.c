/* Every descriptor of the launcher's is closed at exec where it came from; what was put at a fixed number is open. Exit
 * code 125: it could not be made what it should be; 126: the program could not be executed. */
#include "serve/launcher_exec.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ROOM 20                 /* away from the fixed numbers */
#define HERALD_ID 65534u        /* nobody: it owns nothing, and must not reach the state directory */

static void be_ordinary(void)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool become_user(uid_t uid, gid_t gid)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* A file of the operator's, which the front's user may not be able to read: it gets the open file. Opened for each
 * front, so that one that is started later has what lies there then. */
static int open_file(const char *path)
{
	const int fd = path ? open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
	const int away = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ROOM);

	return path && away < 0 ? -2 : away;
}

_Noreturn void launcher_become_front(const struct launcher_setup *setup, int launcher_fd, int herald_fd, const char *crash_at)
{
	/* In the order of FRONT_FD_*; -1: there is none. */
	const int from[] = {
		fcntl(launcher_fd, F_DUPFD_CLOEXEC, ROOM), fcntl(setup->state_fd, F_DUPFD_CLOEXEC, ROOM),
		setup->listen_fd < 0 ? -1 : fcntl(setup->listen_fd, F_DUPFD_CLOEXEC, ROOM),
		herald_fd < 0 ? -1 : fcntl(herald_fd, F_DUPFD_CLOEXEC, ROOM), open_file(setup->tls_cert), open_file(setup->tls_key),
	};
	const char *envp[3] = { "PATH=/usr/bin:/bin" };
	char crash[64];

	_Static_assert(sizeof(from) / sizeof(*from) == FRONT_FDS, "a descriptor each");
	if (crash_at && snprintf(crash, sizeof(crash), "WARD_CRASH_AT=%s", crash_at) < (int)sizeof(crash))
		envp[1] = crash;
	be_ordinary();
	if (from[0] < 0 || from[1] < 0 || close_range(FRONT_FD_LAUNCHER, FRONT_FD_LAUNCHER + FRONT_FDS - 1, 0) < 0)
		_exit(125);
	for (int i = 0; i < FRONT_FDS; i++)
		if (from[i] < -1 || (from[i] >= 0 && dup2(from[i], FRONT_FD_LAUNCHER + i) < 0))
			_exit(125);
	if (fchdir(FRONT_FD_STATE) < 0 || close_range(FRONT_FD_LAUNCHER + FRONT_FDS, ~0u, 0) < 0 ||
	    !become_user(setup->front_uid, setup->front_gid))
		_exit(125);
	execve(setup->front, (char *const *)(uintptr_t)setup->front_argv, (char *const *)(uintptr_t)envp);
	_exit(126);
}

_Noreturn void launcher_become_herald(const struct launcher_setup *setup, int fd)
{
	static char *const envp[] = { NULL };
	const int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, ROOM), null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	be_ordinary();
	if (own_fd < 0 || null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 || dup2(own_fd, HERALD_FD) < 0 || chdir("/") < 0 ||
	    close_range(HERALD_FD + 1, ~0u, 0) < 0 || !become_user(HERALD_ID, HERALD_ID))
		_exit(125);
	execve(setup->herald, (char *const *)(uintptr_t)setup->herald_argv, envp);
	_exit(126);
}
