/* Limits of the box: each attempt goes a bounded step beyond a limit it was told of, and stops
 * there. */
#include "probe/attempts.h"
#include "probe/spawn.h"
#include "probe/way.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB    (1LL << 20)
#define BEYOND (16 * MIB) /* more than the kernel's per-processor batches and our own pages */

/* Nobody stated a limit, or trying it would cost the machine too much. */
static bool is_tryable(int64_t limit, int64_t most)
{
	return limit > 0 && limit <= most;
}

static struct outcome no_limit(void)
{
	return outcome_skipped("no limit told, or too large to try");
}

struct outcome try_memory(GIVEN)
{
	if (!is_tryable(scene->memory, 1024 * MIB))
		return no_limit();
	for (int64_t at = 0; at < scene->memory + BEYOND; at += MIB) {
		char *const piece =
			mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (piece == MAP_FAILED)
			return outcome_refused(errno);
		memset(piece, 1, MIB);
	}
	return outcome_allowed("%lld MiB beyond", BEYOND / MIB);
}

struct outcome try_memory_file(GIVEN)
{
	static char block[65536] = { 1 };
	const int fd = spawn_memfd(MFD_CLOEXEC);

	if (!is_tryable(scene->memory, 1024 * MIB))
		return no_limit();
	if (fd < 0)
		return outcome_refused(errno);
	way_ignore(SIGXFSZ);
	for (int64_t at = 0; at < scene->memory + BEYOND; at += (int64_t)sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			return outcome_refused(errno);
	return outcome_allowed("%lld MiB beyond", BEYOND / MIB);
}

/* Children sleep until they are killed, or five seconds. */
static int64_t crowd_fill(pid_t *pids, int64_t want)
{
	for (int64_t n = 0; n < want; n++) {
		pids[n] = fork();
		if (pids[n] < 0)
			return n;
		if (pids[n] == 0) {
			alarm(5);
			pause();
			_exit(0);
		}
	}
	return want;
}

struct outcome try_pids(GIVEN)
{
	/* A limit by user counts that user's other processes, which come and go. */
	enum { MOST = 4096, MORE = 100 };
	static pid_t pids[MOST + MORE];

	if (!is_tryable(scene->pids, MOST))
		return no_limit();
	const int64_t n = crowd_fill(pids, scene->pids + MORE);
	const struct outcome outcome = n < scene->pids + MORE ?
					       outcome_refused(errno) :
					       outcome_allowed("%d children", (int)n);

	for (int64_t i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int64_t i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	return outcome;
}

static void burn(int64_t cpu_ms)
{
	const clock_t end = clock() + cpu_ms * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		;
}

struct outcome try_cpu(GIVEN)
{
	if (!is_tryable(scene->cpu_ms, 5000))
		return no_limit();
	burn(2 * scene->cpu_ms + 1500); /* RLIMIT_CPU counts whole seconds */
	return outcome_allowed("twice the limit was used");
}

/* No single process exceeds the limit; together they do. */
struct outcome try_cpu_split(GIVEN)
{
	if (!is_tryable(scene->cpu_ms, 5000))
		return no_limit();
	for (int i = 0; i < 4; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			return outcome_skipped("no second process can be made");
		if (pid == 0) {
			burn(scene->cpu_ms * 7 / 10);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return outcome_allowed("nearly three times the limit was used");
}

struct outcome try_disk(GIVEN)
{
	static char block[65536] = { 1 };
	char dir[256], path[300];
	struct outcome outcome = outcome_allowed("%lld MiB beyond", BEYOND / MIB);
	int n = 0;

	if (!is_tryable(scene->disk, 512 * MIB) || !scene_file(scene, "disk", dir, sizeof(dir)))
		return no_limit();
	way_ignore(SIGXFSZ);
	if (way_mkdir(dir, 0700) < 0)
		return outcome_refused(errno);
	/* Many small files: the limit of one file's size must not stand in for the limit of all. */
	for (int64_t at = 0; at < scene->disk + BEYOND; at += (int64_t)sizeof(block)) {
		snprintf(path, sizeof(path), "%s/%d", dir, n++);
		const int fd = way_open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		if (fd < 0 || write(fd, block, sizeof(block)) < (ssize_t)sizeof(block)) {
			outcome = outcome_refused(errno ? errno : ENOSPC);
			break;
		}
		close(fd);
	}
	while (n--) {
		snprintf(path, sizeof(path), "%s/%d", dir, n);
		way_unlink(path);
	}
	way_rmdir(dir);
	return outcome;
}

struct outcome try_inodes(GIVEN)
{
	enum { MOST = 100000, MORE = 16 };
	char dir[256], path[300];
	struct outcome outcome = outcome_allowed("%d files beyond", MORE);
	int64_t n = 0;

	if (!is_tryable(scene->inodes, MOST) || !scene_file(scene, "inodes", dir, sizeof(dir)))
		return no_limit();
	if (way_mkdir(dir, 0700) < 0)
		return outcome_refused(errno);
	for (; n < scene->inodes + MORE; n++) {
		snprintf(path, sizeof(path), "%s/%d", dir, (int)n);
		if (way_make_file(path) < 0) {
			outcome = outcome_refused(errno);
			break;
		}
	}
	while (n--) {
		snprintf(path, sizeof(path), "%s/%d", dir, (int)n);
		way_unlink(path);
	}
	way_rmdir(dir);
	return outcome;
}

struct outcome try_files(GIVEN)
{
	if (!is_tryable(scene->files, 65536))
		return no_limit();
	for (int64_t i = 0; i < scene->files + 8; i++)
		if (way_dup(1) < 0)
			return outcome_refused(errno);
	return outcome_allowed("8 descriptors beyond");
}

struct outcome try_fsize(GIVEN)
{
	char path[256];

	if (!is_tryable(scene->fsize, INT64_MAX - 1) ||
	    !scene_file(scene, "fsize", path, sizeof(path)))
		return no_limit();
	way_ignore(SIGXFSZ);
	const int fd = way_open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	const struct outcome outcome = fd < 0 ? outcome_refused(errno) :
						outcome_of(way_pwrite(fd, "x", 1, (off_t)scene->fsize));

	way_unlink(path);
	return outcome;
}

struct outcome try_rlimit_raise(GIVEN)
{
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = 0 };

	/* Lowered first, so that only getting it back is the question. */
	if (setrlimit(RLIMIT_MSGQUEUE, &limit) < 0)
		return outcome_refused(errno);
	limit.rlim_max = limit.rlim_cur = 4096;
	return outcome_of(setrlimit(RLIMIT_MSGQUEUE, &limit));
}

struct outcome try_rlimit_parent(GIVEN)
{
	struct rlimit now;

	if (!scene_parent(scene))
		return outcome_skipped("the parent has no number in here");
	return outcome_of(prlimit(scene_parent(scene), RLIMIT_NOFILE, NULL, &now));
}

struct outcome try_mlock(GIVEN)
{
	void *const memory =
		mmap(NULL, BEYOND, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? outcome_refused(errno) : outcome_of(mlock(memory, BEYOND));
}

struct outcome try_core_cookie(GIVEN)
{
	uint64_t cookie = 0;
	/* PR_SCHED_CORE, PR_SCHED_CORE_GET, of this thread: prctl(2) */
	const int rc = prctl(62, 0UL, 0UL, 0UL, (unsigned long)(uintptr_t)&cookie);

	if (rc < 0)
		return errno == EINVAL || errno == ENODEV ?
			       outcome_skipped("this kernel has no cookies") :
			       outcome_refused(errno);
	return outcome_state(cookie == 0, "no cookie", "a cookie of its own");
}

/* Often enough, so that being interrupted does not look like a coarse clock. */
struct outcome try_clock_fine(GIVEN)
{
	struct timespec first, next;

	for (int i = 0; i < 1000; i++) {
		if (clock_gettime(CLOCK_MONOTONIC, &first) < 0 || clock_gettime(CLOCK_MONOTONIC, &next) < 0)
			return outcome_refused(errno);
		if (next.tv_sec == first.tv_sec && next.tv_nsec > first.tv_nsec && next.tv_nsec - first.tv_nsec < 1000000)
			return outcome_allowed("%ld ns", next.tv_nsec - first.tv_nsec);
	}
	return outcome_state(false, "", "coarser");
}

struct outcome try_speculation(GIVEN)
{
	const int state = prctl(PR_GET_SPECULATION_CTRL, row->n, 0, 0, 0);

	if (state < 0)
		return outcome_refused(errno);
	return outcome_state((state & PR_SPEC_ENABLE) != 0, "the processor may speculate",
			     "restricted");
}
