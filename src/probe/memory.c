/* Making code at run time, and reading the cycle counter. */
#include "probe/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "probe/spawn.h"
#include "probe/way.h"

enum { PAGE = 4096 };

static void *page_of(int protection, int flags, int fd)
{
	return mmap(NULL, PAGE, protection, flags, fd, 0);
}

struct outcome try_map_write_exec(GIVEN)
{
	void *const page =
		page_of(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return outcome_of(page == MAP_FAILED ? -1 : 0);
}

struct outcome try_protect_exec(GIVEN)
{
	void *const page = page_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return page == MAP_FAILED ? outcome_refused(errno) :
				    outcome_of(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
}

struct outcome try_pkey_exec(GIVEN)
{
	void *const page = page_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (page == MAP_FAILED)
		return outcome_refused(errno);
	return outcome_of(syscall(SYS_pkey_mprotect, page, PAGE, PROT_READ | PROT_EXEC, -1));
}

struct outcome try_alias_exec(GIVEN)
{
	/* One page of memory, mapped once to write and once to execute. */
	static const char zeros[PAGE];
	const int fd = spawn_memfd(MFD_CLOEXEC);

	if (fd < 0 || write(fd, zeros, PAGE) < 0)
		return outcome_refused(errno);
	if (page_of(PROT_READ | PROT_WRITE, MAP_SHARED, fd) == MAP_FAILED)
		return outcome_refused(errno);
	return outcome_of(page_of(PROT_READ | PROT_EXEC, MAP_SHARED, fd) == MAP_FAILED ? -1 : 0);
}

struct outcome try_shm_exec(GIVEN)
{
	const int id = shmget(IPC_PRIVATE, PAGE, 0600);

	if (id < 0)
		return outcome_refused(errno);
	const void *const page = shmat(id, NULL, SHM_EXEC);
	const struct outcome outcome = outcome_of(page == (void *)-1 ? -1 : 0);

	shmctl(id, IPC_RMID, NULL);
	return outcome;
}

/* A script is enough: the kernel asks for the right to execute the file before it reads it. */
static int write_script(const struct scene *scene, const struct attempt_row *row, int fd)
{
	char word[64], *argv[3], text[512];

	if (!scene->self || fd < 0)
		return -1;
	spawn_arguments(scene, row, false, scene->self, word, argv);
	const int len = snprintf(text, sizeof(text), "#!%s %s\n", argv[0], argv[1]);

	return write(fd, text, (size_t)len) == len ? 0 : -1;
}

struct outcome try_exec_written(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "script", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = way_open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0700);
	if (write_script(scene, row, fd) < 0)
		return outcome_refused(errno);
	close(fd);
	const struct outcome outcome = spawn_program(scene, row, path, NULL);

	way_unlink(path);
	return outcome;
}

struct outcome try_map_written(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "code", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = way_open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0700);
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return outcome_refused(errno);
	const struct outcome outcome =
		outcome_of(page_of(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd) == MAP_FAILED ? -1 : 0);

	way_unlink(path);
	return outcome;
}

struct copy {
	const struct scene *scene;
	const struct attempt_row *row;
};

static struct outcome exec_memfd(void *at)
{
	const struct copy *const copy = at;
	const char *const self = copy->scene->self;
	const int fd = spawn_memfd(0), from = self ? way_open(self, O_RDONLY | O_CLOEXEC, 0) : -1;
	char word[64], *argv[3], block[65536];

	if (fd < 0 || from < 0)
		return outcome_refused(errno);
	for (ssize_t n; (n = way_read(from, block, sizeof(block))) > 0;)
		if (write(fd, block, (size_t)n) != n)
			return outcome_refused(errno);
	spawn_arguments(copy->scene, copy->row, false, self, word, argv);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return outcome_refused(errno);
}

struct outcome try_exec_memfd(GIVEN)
{
	struct copy copy = { scene, row };

	if (scene->in_process)
		return exec_memfd(&copy);
	/* When the exec works, nobody fills the outcome in: the child was replaced. A detail is a
	 * reason. */
	const struct outcome outcome = spawn_call(exec_memfd, &copy);

	return outcome.kind == OUTCOME_NONE && !outcome.detail[0] ? outcome_allowed("it ran") :
								    outcome;
}

struct outcome try_tsc(GIVEN)
{
	return outcome_allowed("cycle %llu", (unsigned long long)__rdtsc());
}

struct outcome try_tscp(GIVEN)
{
	unsigned processor;

	return outcome_allowed("cycle %llu", (unsigned long long)__rdtscp(&processor));
}
