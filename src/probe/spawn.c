/* Children of an attempt: started, waited for, never left behind. */
#include "probe/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXEC_FAILED = 100 };     /* + errno */

static struct outcome killed_by(int status)
{
	struct outcome outcome = { .kind = OUTCOME_KILLED, .sys = WTERMSIG(status) };

	/* Our own clock ended it: that says nothing about the box. */
	if (outcome.sys == SIGALRM)
		outcome = (struct outcome){ .kind = OUTCOME_NONE, .detail = "timed out" };
	return outcome;
}

struct outcome spawn_program(const char *path, int *code)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_skipped("no second process can be made");
	if (pid == 0) {
		execl(path, path, "rights", (char *)NULL);
		_exit(errno < EXEC_FAILED ? EXEC_FAILED + errno : EXEC_FAILED);
	}
	waitpid(pid, &status, __WALL);
	if (WIFSIGNALED(status))
		return killed_by(status);
	if (WEXITSTATUS(status) >= EXEC_FAILED)
		return outcome_refused(WEXITSTATUS(status) - EXEC_FAILED);
	if (code)
		*code = WEXITSTATUS(status);
	return outcome_allowed("it ran");
}

struct outcome spawn_call(struct outcome (*call)(void *at), void *at)
{
	int status = 0;
	/* Shared memory rather than a pipe: a policy without pipes still gets an answer. */
	struct outcome *const shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return outcome_skipped("no shared memory");
	const pid_t pid = fork();

	if (pid < 0) {
		munmap(shared, sizeof(*shared));
		return outcome_skipped("no second process can be made");
	}
	if (pid == 0) {
		*shared = call(at);
		_exit(0);
	}
	waitpid(pid, &status, __WALL);
	const struct outcome outcome = WIFSIGNALED(status) ? killed_by(status) : *shared;

	munmap(shared, sizeof(*shared));
	return outcome;
}
