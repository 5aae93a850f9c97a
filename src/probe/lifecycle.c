/* What must not outlive the box. */
#include "probe/attempts.h"
#include "probe/spawn.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

/* Leaves its session, its parent and its standard streams, and ignores what can be ignored. It ends
 * by itself after some seconds, should nothing else end it. */
static void daemon_stay(void)
{
	setsid();
	if (fork() != 0)
		_exit(0);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGALRM)
			signal(sig, SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	alarm(8);
	for (;;)
		pause();
}

struct outcome try_daemon(GIVEN)
{
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_refused(errno);
	if (pid == 0)
		daemon_stay();
	waitpid(pid, NULL, 0);
	usleep(20000); /* so that it is there before the box ends */
	return outcome_allowed("started; whether it survives shows outside");
}

struct outcome try_scratch_persists(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "left-behind", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	if (way_exists(path) == 0) {
		way_unlink(path);
		return outcome_allowed("the file of an earlier box is there");
	}
	const int fd = way_open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return outcome_refused(fd < 0 ? errno : 0);
}

struct outcome try_shm_persists(GIVEN)
{
	/* The key next to the marker's: the harness removes both. */
	if (!scene->shm)
		return outcome_skipped("no marker");
	if (shmget((key_t)scene->shm + 1, 0, 0) >= 0)
		return outcome_allowed("the segment of an earlier box is there");
	return outcome_refused(shmget((key_t)scene->shm + 1, 4096, IPC_CREAT | 0600) < 0 ? errno :
											   0);
}

struct outcome try_core_dump(GIVEN)
{
	struct rlimit limit;
	int status = 0;
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_skipped("no second process can be made");
	if (pid == 0) {
		if (getrlimit(RLIMIT_CORE, &limit) == 0) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_CORE, &limit);
		}
		if (scene->scratch && chdir(scene->scratch) < 0)
			_exit(1);
		abort();
	}
	waitpid(pid, &status, 0);
	return outcome_state(WIFSIGNALED(status) && WCOREDUMP(status), "a core was dumped",
			     "no core");
}
