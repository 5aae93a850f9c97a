/* Takes N MiB, writes to each page, and holds them for a while: eat N [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	if (argc > 2)
		sleep((unsigned)atoi(argv[2]));
	puts("got it");
	return 0;
}
