/* Children of an attempt: started, waited for, never left behind. */
#include "probe/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/scene.h"

enum { EXEC_FAILED = 100 }; /* + errno */

static struct outcome killed_by(int status)
{
	struct outcome outcome = { .kind = OUTCOME_KILLED, .sys = WTERMSIG(status) };

	/* Our own clock ended it: that says nothing about the box. */
	if (outcome.sys == SIGALRM)
		outcome = (struct outcome){ .kind = OUTCOME_NONE, .detail = "timed out" };
	return outcome;
}

void spawn_arguments(const struct scene *scene, const struct attempt_row *row, bool about_rights,
		     const char *path, char word[64], char *argv[3])
{
	if (scene->in_process)
		snprintf(word, 64, "%s=%s", about_rights ? "gain" : "ran", row->id);
	else
		snprintf(word, 64, "rights");
	argv[0] = (char *)(uintptr_t)path;
	argv[1] = word;
	argv[2] = NULL;
}

struct outcome spawn_program(const struct scene *scene, const struct attempt_row *row,
			     const char *path, int *code)
{
	char word[64], *argv[3];
	int status = 0;

	spawn_arguments(scene, row, code != NULL, path, word, argv);
	if (scene->in_process) {
		execve(path, argv, environ);
		return outcome_refused(errno);
	}
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_skipped("no second process can be made");
	if (pid == 0) {
		execve(path, argv, environ);
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
		return (struct outcome){ .kind = OUTCOME_NONE, .detail = "no shared memory" };
	const pid_t pid = fork();

	if (pid < 0) {
		munmap(shared, sizeof(*shared));
		return (struct outcome){ .kind = OUTCOME_NONE, .detail = "no second process" };
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

int spawn_memfd(unsigned flags)
{
	const int fd = memfd_create("ward-probe", flags);

	return fd >= 0 ? fd :
			 memfd_create("ward-probe", flags | 8 /* MFD_NOEXEC_SEAL, linux/memfd.h */);
}
