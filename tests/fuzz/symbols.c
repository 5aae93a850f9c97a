/* Any bytes may claim to be an ELF file: whatever they say, looking for names ends, and a name is printable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct symbol_want wants[] = { { .offset = 0 }, { .offset = 0x1000 }, { .offset = UINT64_MAX }, { .offset = 70 } };
	OWN_FD int fd = memfd_create("elf", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 0;
	symbols_find(fd, wants, 4);
	for (size_t i = 0; i < 4; i++) {
		if (!memchr(wants[i].name, '\0', sizeof(wants[i].name)))
			abort();
		for (const char *at = wants[i].name; *at; at++)
			if (*at <= ' ' || *at > '~')
				abort();
	}
	return 0;
}
