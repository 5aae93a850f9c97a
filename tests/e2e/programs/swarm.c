/* swarm threads|forks N: N of them, eight at a time, each of which makes one call and ends. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 8

static void *live(void *at)
{
	syscall(SYS_getppid);
	return at;
}

static int run_threads(int n)
{
	pthread_t threads[AT_ONCE];

	for (int i = 0; i < n; i += AT_ONCE) {
		for (int k = 0; k < AT_ONCE; k++)
			if (pthread_create(&threads[k], NULL, live, NULL))
				return 1;
		for (int k = 0; k < AT_ONCE; k++)
			pthread_join(threads[k], NULL);
	}
	return 0;
}

static int run_forks(int n)
{
	for (int i = 0; i < n; i += AT_ONCE) {
		for (int k = 0; k < AT_ONCE; k++) {
			const pid_t pid = fork();

			if (pid < 0)
				return 1;
			if (pid == 0) {
				syscall(SYS_getppid);
				_exit(0);
			}
		}
		for (int k = 0; k < AT_ONCE; k++)
			wait(NULL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const int n = argc > 2 ? atoi(argv[2]) : 0;

	return strcmp(argc > 1 ? argv[1] : "", "forks") ? run_threads(n) : run_forks(n);
}
