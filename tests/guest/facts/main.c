/* Prints what this kernel has of what ward uses: one line a fact, each tried, none looked up by
 * version. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"

void say(bool yes, const char *text, ...)
{
	va_list args;

	if (!text) {
		printf("no   %s\n", strerrorname_np(errno));
	} else {
		printf("%s  ", yes ? "yes" : "no ");
		va_start(args, text);
		vprintf(text, args);
		va_end(args);
		printf("\n");
	}
	fflush(stdout);
	_exit(0);
}

void say_rc(long rc)
{
	if (rc < 0)
		say(false, NULL);
	say(true, "%s", "");
}

bool put_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	const int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return done;
}

const char *get_line(const char *path, char *out, size_t cap)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(out, (int)cap, file))
		snprintf(out, cap, "absent");
	out[strcspn(out, "\n")] = 0;
	if (file)
		fclose(file);
	return out;
}

bool enter_userns(int flags)
{
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "0 %u 1", getuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getgid());
	return unshare(CLONE_NEWUSER | flags) == 0 && put_file("/proc/self/setgroups", "deny") &&
	       put_file("/proc/self/uid_map", uids) && put_file("/proc/self/gid_map", gids);
}

int in_child(int (*what)(void *), void *with)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(what(with));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void ask(const struct fact *fact, const char *who)
{
	int status = 0;
	pid_t pid;

	printf("fact %-10s %-28s %-6s ", who, fact->name, fact->since);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(10);
		fact->probe();
		_exit(1);
	}
	if (waitpid(pid, &status, 0) == pid && (!WIFEXITED(status) || WEXITSTATUS(status)))
		printf("no   died: status 0x%x\n", (unsigned)status);
}

int main(int argc, char **argv)
{
	const struct fact *tables[] = {mount_facts, cgroup_facts, process_facts, seccomp_facts};
	const char *who = argc > 1 ? argv[1] : "me";

	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct fact *fact = tables[t]; fact->name; fact++)
			ask(fact, who);
	return 0;
}
