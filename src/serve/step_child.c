/* Processes of a step. Refuses to leave one behind. */
#include "serve/step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "base/fd.h"

void child_close(struct child *child)
{
	fd_close_at(&child->in_fd);
	fd_close_at(&child->out_fd);
	fd_close_at(&child->err_fd);
}

/* One call reaches all of them, the ones being forked as well: the kernel holds the list of tasks meanwhile, and a
 * fork with a signal pending starts again (copy_process() of kernel/fork.c). */
bool child_end(void)
{
	return kill(-1, SIGKILL) < 0 && errno == ESRCH;
}

/* The session is there before the first action: so its first open of a terminal gives it that one (tty_ioctl(2)). */
static int open_terminal(posix_spawn_file_actions_t *actions, const char *terminal)
{
	return posix_spawn_file_actions_addopen(actions, 0, terminal, O_RDWR, 0) ||
	       posix_spawn_file_actions_adddup2(actions, 0, 1) || posix_spawn_file_actions_adddup2(actions, 0, 2) ? ENOMEM : 0;
}

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const int ends[5],
		  const char *terminal)
{
	sigset_t none, ignored;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE); /* of all signals: what ward executes begins with none ignored */
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &ignored);
	for (int i = 0; i < 5; i++)
		if (ends[i] >= 0 && posix_spawn_file_actions_adddup2(actions, ends[i], i) != 0)
			return ENOMEM;
	return terminal ? open_terminal(actions, terminal) : 0;
}

/* Every descriptor here is close-on-exec and above 4, so that no dup2() treads on another's source. */
int child_start(char *const *argv, char *const *envp, const int ends[5], const char *terminal, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int sys;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sys = set_up(&actions, &attributes, ends, terminal);
	if (!sys)
		sys = posix_spawnp(pid, argv[0], &actions, &attributes, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return sys;
}

static int make_pipe(int *ours, int *theirs, bool they_read)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (ends[i] < 5) {
			const int high = fcntl(ends[i], F_DUPFD_CLOEXEC, 5);

			close(ends[i]);
			ends[i] = high;
		}
	*theirs = ends[!they_read];
	*ours = ends[they_read];
	return *ours < 0 || fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -1 : 0;
}

int child_spawn(char *const *argv, char *const *envp, const int more[2], struct child *out)
{
	struct child child = CHILD_NONE;
	int ends[5] = { -1, -1, -1, more[0], more[1] }, sys;

	if (make_pipe(&child.in_fd, &ends[0], true) < 0 || make_pipe(&child.out_fd, &ends[1], false) < 0 ||
	    make_pipe(&child.err_fd, &ends[2], false) < 0)
		sys = errno;
	else
		sys = child_start(argv, envp, ends, NULL, &child.pid);
	for (int i = 0; i < 3; i++)
		fd_close(ends[i]);
	if (sys) {
		child_close(&child);
		return sys;
	}
	*out = child;
	return 0;
}
