/* What must stay possible. A box in which these fail refuses everything and so proves nothing. */
#include "probe/attempts.h"
#include "probe/spawn.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct outcome try_can_getpid(GIVEN)
{
	return outcome_of(getpid());
}

struct outcome try_can_time(GIVEN)
{
	struct timespec now;

	return outcome_of(clock_gettime(CLOCK_MONOTONIC, &now));
}

struct outcome try_can_memory(GIVEN)
{
	char *const page =
		mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return outcome_refused(errno);
	memset(page, 1, 65536);
	return outcome_of(munmap(page, 65536));
}

struct outcome try_can_random(GIVEN)
{
	char bytes[16];

	return outcome_of(getrandom(bytes, sizeof(bytes), 0));
}

struct outcome try_can_fork(GIVEN)
{
	int status = 1;
	const pid_t pid = fork();

	if (pid < 0)
		return outcome_refused(errno);
	if (pid == 0)
		_exit(0);
	return outcome_of(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1);
}

struct outcome try_can_exec(GIVEN)
{
	return scene->self ? spawn_program(scene, row, scene->self, NULL) :
			     outcome_skipped("no program");
}

struct outcome try_can_read(GIVEN)
{
	char byte;
	const int fd = scene->readable ? way_open(scene->readable, O_RDONLY | O_CLOEXEC, 0) : -1;

	if (!scene->readable)
		return outcome_skipped("no file is granted");
	return fd < 0 ? outcome_refused(errno) : outcome_of(way_read(fd, &byte, 1));
}

struct outcome try_can_write(GIVEN)
{
	char path[256], byte = '\0';

	if (!scene_file(scene, "write", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = way_open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || way_pread(fd, &byte, 1, 0) != 1)
		return outcome_refused(errno);
	return way_unlink(path) < 0 ? outcome_refused(errno) :
				  outcome_state(byte == 'x', "written, read, removed", "");
}

struct outcome try_can_pipe(GIVEN)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "x", 1) != 1)
		return outcome_refused(errno);
	return outcome_of(way_read(ends[0], &byte, 1));
}

struct outcome try_can_null(GIVEN)
{
	const int fd = way_open("/dev/null", O_WRONLY | O_CLOEXEC, 0);

	return fd < 0 ? outcome_refused(errno) : outcome_of(write(fd, "x", 1));
}

/* By raise() alone, of a signal that does nothing: an engine's box has no calls to wait for one. */
struct outcome try_can_signal(GIVEN)
{
	return outcome_of(raise(SIGURG) == 0 ? 0 : -1);
}
