/* What this machine takes for a box and nothing else, for bench/goals: a process in namespaces of its own that executes a
 * static program and is waited for. No limits, no mounts, no filter, no record.
 *
 *   floor PROGRAM N WIDTH   N starts by each of WIDTH processes at once: starts a second, processor time of each in ms */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Those of the boundary `container`. */
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP)

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int start(const char *program)
{
	struct clone_args how = { .flags = NAMESPACES, .exit_signal = SIGCHLD };
	const long pid = syscall(SYS_clone3, &how, sizeof(how));
	int status;

	if (pid == 0) {
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int start_all(const char *program, long n)
{
	for (long i = 0; i < n; i++)
		if (start(program) < 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const long n = argc == 4 ? atol(argv[2]) : 0, width = argc == 4 ? atol(argv[3]) : 0;
	const double begun = now_s();
	struct rusage used;
	int status, failed = 0;

	if (n < 1 || width < 1) {
		fprintf(stderr, "usage: floor PROGRAM N WIDTH\n");
		return 2;
	}
	for (long i = 0; i < width; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			_exit(start_all(argv[1], n));
		failed |= pid < 0;
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	if (failed) {
		fprintf(stderr, "floor: a start failed; namespaces need root, or user namespaces for all\n");
		return 1;
	}
	getrusage(RUSAGE_CHILDREN, &used);
	printf("%.1f %.3f\n", (double)(n * width) / (now_s() - begun),
	       ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3) /
		       (double)(n * width));
	return 0;
}
