/* Runs inside a box, for bench/detect. Static, and of no options: each way prints numbers and nothing else.
 *
 *   knock work N        ordinary work, N turns: its processor time and its time by the clock, in microseconds
 *   knock deny NR N     one call N times: least, median and 99th percentile of what each took, in nanoseconds
 *   knock once NR       the moment, CLOCK_REALTIME in nanoseconds, and then the call: time namespaces leave that clock alone
 *   knock flood NR R S  R calls a second for S seconds; R 0: as many as there are. How many they were, and the processor time of each */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 100000

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_us(void)
{
	uint64_t us = 0;

	for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
		struct rusage used;

		getrusage(who, &used);
		us += (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u +
		      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	}
	return us;
}

/* Files, pipes, a child now and then, memory and arithmetic: what programs do between two calls that are refused. */
static void turn(uint64_t number)
{
	static char page[65536];
	volatile uint64_t sum = number;
	struct stat st;
	int ends[2];
	const int fd = open("/usr", O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < sizeof(page); i++)
		sum = sum * 31 + (uint64_t)page[i];
	page[number % sizeof(page)] = (char)sum;
	fstat(fd, &st);
	close(fd);
	if (pipe(ends) == 0) {
		if (write(ends[1], page, 4096) != 4096 || read(ends[0], page, 4096) != 4096)
			exit(1);
		close(ends[0]);
		close(ends[1]);
	}
	for (int i = 0; i < 50; i++)
		(void)getppid();
	if (number % 64 == 0) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
}

static int work(uint64_t n)
{
	const uint64_t begun = now_ns(CLOCK_MONOTONIC);

	for (uint64_t i = 0; i < n; i++)
		turn(i);
	printf("%llu %llu\n", (unsigned long long)cpu_us(), (unsigned long long)(now_ns(CLOCK_MONOTONIC) - begun) / 1000);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int deny(long nr, uint64_t n)
{
	static uint64_t took[CALLS_MAX];

	if (!n || n > CALLS_MAX)
		return 2;
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t begun = now_ns(CLOCK_MONOTONIC);

		if (syscall(nr, 0, 0, 0, 0, 0, 0) != -1)
			return 1;
		took[i] = now_ns(CLOCK_MONOTONIC) - begun;
	}
	qsort(took, n, sizeof(*took), compare);
	printf("%llu %llu %llu\n", (unsigned long long)took[0], (unsigned long long)took[n / 2], (unsigned long long)took[n * 99 / 100]);
	return 0;
}

static int once(long nr)
{
	printf("%llu\n", (unsigned long long)now_ns(CLOCK_REALTIME));
	fflush(stdout);
	printf("%llu\n", (unsigned long long)now_ns(CLOCK_REALTIME));
	return syscall(nr, 0, 0, 0, 0, 0, 0) != -1;
}

static int flood(long nr, uint64_t rate, uint64_t seconds)
{
	const uint64_t begun = now_ns(CLOCK_MONOTONIC), end = begun + seconds * 1000000000u;
	uint64_t n = 0, now;

	while ((now = now_ns(CLOCK_MONOTONIC)) < end) {
		if (rate && n >= (now - begun) / 1000 * rate / 1000000) {
			usleep(200);
			continue;
		}
		syscall(nr, 0, 0, 0, 0, 0, 0);
		n++;
	}
	printf("%llu %llu\n", (unsigned long long)n, (unsigned long long)(n ? cpu_us() * 1000 / n : 0));
	return 0;
}

int main(int argc, char **argv)
{
	const long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0, c = argc > 4 ? atol(argv[4]) : 0;

	if (argc == 3 && !strcmp(argv[1], "work"))
		return work((uint64_t)a);
	if (argc == 4 && !strcmp(argv[1], "deny"))
		return deny(a, (uint64_t)b);
	if (argc == 3 && !strcmp(argv[1], "once"))
		return once(a);
	if (argc == 5 && !strcmp(argv[1], "flood"))
		return flood(a, (uint64_t)b, (uint64_t)c);
	return 2;
}
