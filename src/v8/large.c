/* Code on large pages. Changes no byte and no right of what it moves. */
#include "v8/large.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"

#define LARGE ((uintptr_t)2 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25        /* since Linux 6.1 */
#endif

/* Fills the file, whose pages become large where they lie as large ones do. */
static bool fill(int fd, const void *from, size_t len)
{
	char *const room = mmap(NULL, len + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *const at = (char *)(((uintptr_t)room + LARGE - 1) & ~(LARGE - 1));
	bool is_large;

	if (room == MAP_FAILED)
		return false;
	is_large = mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == at;
	if (is_large) {
		memcpy(at, from, len);
		is_large = madvise(at, len, MADV_COLLAPSE) == 0;
	}
	munmap(room, len + LARGE);
	return is_large;
}

/* A copy of these bytes in a file without a name; -1: there are no large pages. */
static int copy(const void *from, size_t len)
{
	OWN_FD int fd = memfd_create("engine", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	/* Guests map it privately: who writes there has a page of its own. No other way to it is left behind. */
	if (fd < 0 || ftruncate(fd, (off_t)len) < 0 || !fill(fd, from, len) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -1;
	return TAKE_FD(fd);
}

static void move(uintptr_t from, uintptr_t to, int protection)
{
	const uintptr_t first = (from + LARGE - 1) & ~(LARGE - 1), last = to & ~(LARGE - 1);
	OWN_FD int fd = first < last ? copy((void *)first, last - first) : -1;

	if (fd >= 0)
		(void)!mmap((void *)first, last - first, protection, MAP_PRIVATE | MAP_FIXED, fd, 0);
}

/* The code of a library and the constants behind it; what stands before it is for the loader, which is done. */
static int move_library(struct dl_phdr_info *library, size_t size, void *unused)
{
	bool is_behind = false;

	(void)size;
	(void)unused;
	for (size_t i = 0; i < library->dlpi_phnum; i++) {
		const ElfW(Phdr) *const part = &library->dlpi_phdr[i];
		const uintptr_t from = library->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD)
			continue;
		is_behind |= (part->p_flags & PF_X) && part->p_filesz >= 4 * LARGE;
		if (is_behind && !(part->p_flags & PF_W))
			move(from, from + part->p_filesz, part->p_flags & PF_X ? PROT_READ | PROT_EXEC : PROT_READ);
	}
	return 0;
}

void large_pages(void)
{
	struct rlimit limit;

	/* A file without a name is a file, and one too large would be the end of this process. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		dl_iterate_phdr(move_library, NULL);
}
