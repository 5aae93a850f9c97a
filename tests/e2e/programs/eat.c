/* Takes N MiB and writes to each page. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	const size_t bytes = strtoul(argv[1], NULL, 10) << 20;
	volatile char *at = malloc(bytes);

	if (!at) {
		puts("ENOMEM");
		return 1;
	}
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	puts("got it");
	return 0;
}
