/* Fuzz: any text as root's ceiling. What is refused leaves the ceiling alone; the knife is never given.
 * The server's files are in no library: included here. */
#include <stdlib.h>

#include "monitor/ceiling.c"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char path[32];
	static int fd = -1;
	struct ceiling ceiling = { .pids_max = 77 };
	struct err e = ERR_INIT;

	if (fd < 0) {
		strcpy(path, "/tmp/fuzz-ceiling-XXXXXX");
		fd = mkstemp(path);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		abort();
	if (ceiling_read(path, &ceiling, &e) < 0) {
		if (e.kind == ERR_NONE || !*e.text || ceiling.pids_max != 77)
			abort();
	} else if (ceiling.knife || n > 4095) {
		abort();
	}
	return 0;
}
