/* Tries to have memory that can be executed, or is shared, in the way of argv[1]; the exit code says what became of it: 0 it has
 * some, 1 it was refused. A filter that kills says more. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *const way = argc > 1 ? argv[1] : "";
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (strcmp(way, "none") == 0)
		_exit(page == MAP_FAILED ? 3 : 7);
	if (strcmp(way, "shared") == 0) /* not executable, but memory that no RLIMIT_DATA counts */
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	else if (strcmp(way, "mmap") == 0)
		page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (strcmp(way, "both") == 0)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0)
		page = MAP_FAILED;
	_exit(page == MAP_FAILED);
}
