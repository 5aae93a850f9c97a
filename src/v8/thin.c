/* Memory that forks do not get, and that they give back. Drops nothing that cannot be read again or that is in use. */
#include "v8/thin.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define PAGE ((uintptr_t)4096)
#define TABLE ((uintptr_t)2 << 20)     /* what one page table covers */
#define STACK ((uintptr_t)8 << 20)

/* Debian's libnode is Node, too: its sockets, ciphers and compression. None of them runs here, and code that is not
 * there helps nobody who broke out of the engine. */
static const char *const idle_libraries[] = {
	"libssl.so", "libcrypto.so", "libuv.so", "libnghttp2.so", "libcares.so", "libbrotlicommon.so", "libbrotlienc.so",
	"libbrotlidec.so", "libz.so",
};

/* Code and constants so large that page tables are theirs alone. */
static struct {
	struct {
		void *at;
		size_t len;
	} at[8];
	size_t n;
} read_only;

static bool is_idle(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(idle_libraries); i++)
		if (strncmp(name, idle_libraries[i], strlen(idle_libraries[i])) == 0)
			return true;
	return false;
}

static int sort_out(struct dl_phdr_info *library, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (size_t i = 0; i < library->dlpi_phnum; i++) {
		const ElfW(Phdr) *const part = &library->dlpi_phdr[i];
		const uintptr_t from = (library->dlpi_addr + part->p_vaddr) & ~(PAGE - 1);
		const uintptr_t to = (library->dlpi_addr + part->p_vaddr + part->p_memsz + PAGE - 1) & ~(PAGE - 1);

		if (part->p_type != PT_LOAD)
			continue;
		/* Not by name: the C library's madvise(2) is ours here, and that one knows better about this advice. */
		if (is_idle(library->dlpi_name))
			(void)!syscall(SYS_madvise, from, to - from, MADV_DONTFORK);
		else if (!(part->p_flags & PF_W) && to - from >= TABLE && read_only.n < ARRAY_SIZE(read_only.at)) {
			read_only.at[read_only.n].at = (void *)from;
			read_only.at[read_only.n++].len = to - from;
		}
	}
	return 0;
}

/* Takes every gap there is, for good: what is asked for next comes from behind them. */
static void fill_gaps(void)
{
	const size_t most = (size_t)64 << 10, small = 1024;
	const uintptr_t top = (uintptr_t)sbrk(0) - mallinfo2().keepcost;

	for (size_t size = most; size >= 24; size = size > small ? size / 4 * 3 : size - 16) {
		const void *volatile piece;

		do
			piece = malloc(size);
		while (piece && (uintptr_t)piece < top);
	}
	malloc_trim(0);
}

void thin_before_forks(void)
{
	dl_iterate_phdr(sort_out, NULL);
	fill_gaps();
}

void thin_at_rest(void)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(PAGE - 1);

	malloc_trim(0);
	/* What deeper calls left behind. Most of this range is no memory at all, which is said and does no harm. */
	(void)!madvise((void *)(here - STACK), STACK - PAGE, MADV_DONTNEED);
	/* They are in the page cache, and it is the page tables that are a guest's own. Since Linux 6.14 this frees them. */
	for (size_t i = 0; i < read_only.n; i++)
		(void)!madvise(read_only.at[i].at, read_only.at[i].len, MADV_DONTNEED);
}
