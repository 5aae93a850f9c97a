/* Makes read-only what was relocated, for a ward-step that is linked with musl: its start of a static program relocates and
 * leaves that to nobody. Of glibc's the start does it. */
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096

/* Where the program was loaded; the linker's. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

__attribute__((constructor)) static void protect(void)
{
	const Elf64_Phdr *const headers = (const void *)getauxval(AT_PHDR);

	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		const uintptr_t from = (uintptr_t)__ehdr_start + headers[i].p_vaddr;
		const uintptr_t first = from & ~(uintptr_t)(PAGE_BYTES - 1);
		const uintptr_t end = (from + headers[i].p_memsz) & ~(uintptr_t)(PAGE_BYTES - 1);

		if (headers[i].p_type == PT_GNU_RELRO && mprotect((void *)first, end - first, PROT_READ) < 0)
			_exit(125);
	}
}
