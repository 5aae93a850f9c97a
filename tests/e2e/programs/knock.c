/* Makes the calls that its arguments name, each as NUMBER[:ARG[:ARG...]], and prints what came of them. A number with
 * "xN" behind it is made N times. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		long args[7] = { 0 }, times = 1, result = 0;
		char *at = argv[i];

		for (int k = 0; k < 7; k++) {
			args[k] = strtol(at, &at, 0);
			if (*at != ':')
				break;
			at++;
		}
		if (*at == 'x')
			times = atol(at + 1);
		for (long n = 0; n < times; n++)
			result = syscall(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
		printf("%ld %ld %s\n", args[0], result, result < 0 ? strerrorname_np(errno) : "");
	}
	return 0;
}
