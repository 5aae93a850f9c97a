/* Takes N MiB and writes to each page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const size_t bytes = strtoul(argv[1], NULL, 10) << 20;
	char *at = malloc(bytes);

	if (!at) {
		puts("ENOMEM");
		return 1;
	}
	memset(at, 1, bytes);
	puts("got it");
	return 0;
}
