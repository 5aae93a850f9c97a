/* Making code at run time, and reading the cycle counter. */
#include "probe/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "probe/spawn.h"

enum { PAGE = 4096 };

static void *page_of(int protection, int flags, int fd)
{
	return mmap(NULL, PAGE, protection, flags, fd, 0);
}

struct outcome try_map_write_exec(GIVEN)
{
	void *const page = page_of(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return outcome_of(page == MAP_FAILED ? -1 : 0);
}

struct outcome try_protect_exec(GIVEN)
{
	void *const page = page_of(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return page == MAP_FAILED ? outcome_refused(errno) : outcome_of(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
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
	const int fd = memfd_create("ward-probe", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAGE) < 0)
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
static int write_script(const struct scene *scene, int fd)
{
	if (!scene->self || fd < 0)
		return -1;
	return write(fd, "#!", 2) == 2 && write(fd, scene->self, strlen(scene->self)) > 0 &&
	       write(fd, " rights\n", 8) == 8 ? 0 : -1;
}

struct outcome try_exec_written(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "script", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0700);
	if (write_script(scene, fd) < 0)
		return outcome_refused(errno);
	close(fd);
	const struct outcome outcome = spawn_program(path, NULL);

	unlink(path);
	return outcome;
}

struct outcome try_map_written(GIVEN)
{
	char path[256];

	if (!scene_file(scene, "code", path, sizeof(path)))
		return outcome_skipped("no scratch directory");
	const int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0700);
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return outcome_refused(errno);
	const struct outcome outcome =
		outcome_of(page_of(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd) == MAP_FAILED ? -1 : 0);

	unlink(path);
	return outcome;
}

static struct outcome exec_memfd(void *at)
{
	static char *const arguments[] = { (char *)(uintptr_t)"ward-probe", (char *)(uintptr_t)"rights", NULL };
	const struct scene *const scene = at;
	const int fd = memfd_create("ward-probe", 0);   /* a script's interpreter opens /proc/self/fd/N or fails */
	const int self = scene->self ? open(scene->self, O_RDONLY | O_CLOEXEC) : -1;
	char block[65536];

	if (fd < 0 || self < 0)
		return outcome_refused(errno);
	for (ssize_t n; (n = read(self, block, sizeof(block))) > 0;)
		if (write(fd, block, (size_t)n) != n)
			return outcome_refused(errno);
	syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
	return outcome_refused(errno);
}

struct outcome try_exec_memfd(GIVEN)
{
	/* When the exec works, nobody fills the outcome in: the child was replaced. */
	const struct outcome outcome = spawn_call(exec_memfd, (void *)(uintptr_t)scene);

	return outcome.kind == OUTCOME_NONE && !outcome.detail[0] ? outcome_allowed("it ran") : outcome;
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
